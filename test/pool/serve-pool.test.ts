/**
 * `servePool`: a server in a process of its own, with clients here.
 */

import { connect, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { Process } from "../support/processes.js";
import { waitFor } from "../support/waiting.js";

interface Figures {
  threads: number;
  accepted: number;
  completed: number;
  failed: number;
  active: number;
  queued: number;
}

const TIMEOUT = 20_000;

class PoolProcess {
  readonly process: Process;
  readonly port: number;
  #asked = 0;

  constructor(options: object) {
    this.process = new Process(process.execPath, ["test/pool/programs/server.mjs", JSON.stringify(options)]);
    this.port = Number(this.process.waitForOutput(/^port (\d+)$/m, TIMEOUT)[1]);
  }

  /** A client that has sent its first lines. */
  client(...lines: string[]): TcpSocket {
    const socket = connect({ host: "127.0.0.1", port: this.port, timeout: TIMEOUT });
    socket.writeAll(lines.map((line) => `${line}\n`).join(""));
    return socket;
  }

  figures(): Figures {
    const name = `n${++this.#asked}`;
    this.process.send(`${name}\n`);
    const [, json] = this.process.waitForOutput(new RegExp(`^figures ${name} (.*)$`, "m"));
    return JSON.parse(json as string) as Figures;
  }

  waitForFigures(wanted: Partial<Figures>): void {
    let last: Figures | null = null;
    waitFor(
      `figures ${JSON.stringify(wanted)}`,
      () => {
        last = this.figures();
        return Object.entries(wanted).every(([name, value]) => last?.[name as keyof Figures] === value);
      },
      TIMEOUT,
    );
  }
}

/** How a client's reading ends: what it read, or the error's code. */
function endOf(socket: TcpSocket): string {
  try {
    return String(socket.readAll(TIMEOUT));
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    socket.close();
  }
}

describe("serves", () => {
  test("each connection in a thread, and closes what the handler leaves open", () => {
    const pool = new PoolProcess({ threads: 2 });
    const clients = Array.from({ length: 20 }, (_, i) => pool.client("echo", `hello ${i}`));
    const answers = clients.map(endOf);
    expect(answers.map((answer) => answer.replace(/ from \d+\n$/, ""))).toEqual(clients.map((_, i) => `hello ${i}`));
    expect(new Set(answers.map((answer) => / from (\d+)/.exec(answer)?.[1])).size).toBe(2);
    pool.waitForFigures({ threads: 2, accepted: 20, completed: 20, failed: 0, active: 0, queued: 0 });
    expect(pool.process.errors).toBe("");
  });

  test("as many as there are threads; maxQueue more are accepted, others when there is room", () => {
    const pool = new PoolProcess({ threads: 2, maxQueue: 1 });
    const served = [pool.client("hold"), pool.client("hold")];
    for (const client of served) expect(client.readLine(TIMEOUT)).toBe("holding");
    const waiting = Array.from({ length: 5 }, () => pool.client("hold"));
    pool.waitForFigures({ accepted: 3, active: 2, queued: 1 });
    expect(waiting.some((client) => client.waitUntilReadable(300))).toBe(false);
    expect(pool.figures()).toMatchObject({ accepted: 3 });
    for (const client of [...served, ...waiting]) {
      client.writeAll("more\n");
      expect(endOf(client)).toMatch(/more, done\n$/);
    }
    pool.waitForFigures({ accepted: 7, completed: 7, active: 0, queued: 0 });
  });
});

describe("a handler that fails resets its connection, and the next one is served", () => {
  const expectService = (pool: PoolProcess) =>
    expect(endOf(pool.client("echo", "still there"))).toMatch(/^still there/);

  test("it throws: onError gets the error", () => {
    const pool = new PoolProcess({ threads: 1 });
    expect(endOf(pool.client("throw"))).toBe("ECONNRESET");
    pool.process.waitForOutput(/^error RangeError undefined thrown on purpose$/m);
    expectService(pool);
    pool.waitForFigures({ completed: 1, failed: 1 });
  });

  test("a peer makes it throw: onError gets the NetError with its code", () => {
    const pool = new PoolProcess({ threads: 1 });
    pool.client("read-on").reset();
    pool.process.waitForOutput(/^error NetError ECONNRESET /m);
    expectService(pool);
  });

  test("clients disconnect before they are served: the next one is served", () => {
    const pool = new PoolProcess({ threads: 1, maxQueue: 0 });
    const holder = pool.client("hold");
    expect(holder.readLine(TIMEOUT)).toBe("holding");
    for (let i = 0; i < 20; i++) pool.client("echo").reset();
    const last = pool.client("echo", "still there");
    holder.writeAll("go\n");
    expect(endOf(last)).toMatch(/^still there/);
  });

  test("it ends its thread", () => {
    const pool = new PoolProcess({ threads: 1 });
    expect(endOf(pool.client("exit"))).toBe("ECONNRESET");
    pool.process.waitForOutput(/^error Error .*exited with code: 3$/m);
    expectService(pool);
    pool.waitForFigures({ completed: 1, failed: 1 });
  });

  test("it runs out of memory", () => {
    const pool = new PoolProcess({ threads: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const client = pool.client("memory");
    pool.process.waitForOutput(/^error Error ERR_WORKER_OUT_OF_MEMORY /m, TIMEOUT);
    expect(endOf(client)).toBe("ECONNRESET");
    expectService(pool);
  });
});

describe("close", () => {
  test("serves accepted connections to the end, and the process ends", () => {
    const pool = new PoolProcess({ threads: 1, maxQueue: 1 });
    const [served, queued] = [pool.client("hold"), pool.client("hold")];
    expect(served.readLine(TIMEOUT)).toBe("holding");
    pool.waitForFigures({ active: 1, queued: 1 });
    pool.process.send("close 15000\n");
    waitFor("refused clients", () => refused(pool.port), TIMEOUT);
    for (const client of [served, queued]) {
      client.writeAll("last\n");
      expect(endOf(client)).toMatch(/last, done\n$/);
    }
    pool.process.waitForOutput(/^closed$/m);
    pool.process.waitForExit();
    expect(pool.process.output).not.toContain("error");
  });

  test("ends the threads when its timeout is over", () => {
    const pool = new PoolProcess({ threads: 1 });
    const client = pool.client("hold");
    expect(client.readLine(TIMEOUT)).toBe("holding");
    pool.process.send("close 200\n");
    pool.process.waitForOutput(/^closed$/m);
    pool.process.waitForExit();
    expect(endOf(client)).toBe("ECONNRESET");
  });
});

function refused(port: number): boolean {
  const socket = connect({ host: "127.0.0.1", port });
  socket.waitUntilConnected(TIMEOUT);
  const code = socket.error?.code;
  socket.close();
  return code === "ECONNREFUSED";
}
