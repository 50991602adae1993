/**
 * `servePool`: a server in a process of its own, with clients here.
 */

import { connect, type TcpSocket } from "ringnet";
import { describe, expect, test } from "vitest";
import { Process } from "../support/processes.js";
import { waitFor } from "../support/waiting.js";
import { Authority } from "../tls/support/certificates.js";

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

describe("tls", () => {
  const authority = new Authority("the authority");
  const stranger = new Authority("somebody else");
  const { key, cert } = authority.issue({ names: ["localhost"] });
  const secure = (pool: PoolProcess, tls: object) =>
    connect({ host: "localhost", port: pool.port, tls: { ca: authority.cert, ...tls }, timeout: TIMEOUT });

  test("the threads' connections speak TLS, and clients verify the server", () => {
    const pool = new PoolProcess({ threads: 2, tls: { key, cert } });
    const clients = Array.from({ length: 4 }, () => secure(pool, {}));
    for (const [i, client] of clients.entries()) client.writeAll(`echo\nhello ${i}\n`);
    expect(clients.map((client) => client.authorized)).toEqual([true, true, true, true]);
    expect(clients.map(endOf).map((answer) => answer.replace(/ from \d+\n$/, ""))).toEqual(
      clients.map((_, i) => `hello ${i}`),
    );
    expect(() => secure(pool, { ca: stranger.cert })).toThrow(/certificate/);
    pool.waitForFigures({ completed: 4, failed: 0, active: 0 });
  });

  test("a client whose certificate is not trusted reaches no handler", () => {
    const pool = new PoolProcess({ threads: 1, tls: { key, cert, ca: authority.cert, requestCert: true } });
    const client = authority.issue({ subject: "a client" });
    const wanted = secure(pool, { key: client.key, cert: client.cert });
    wanted.writeAll("echo\nhello\n");
    expect(endOf(wanted)).toMatch(/^hello from/);
    const other = stranger.issue({ subject: "a stranger" });
    const refused = secure(pool, { key: other.key, cert: other.cert }); // a client of TLS 1.3 is ready before it is refused
    refused.writeAll("echo\nhello\n");
    expect(endOf(refused)).toMatch(/^(|E[A-Z_]+)$/); // no answer: Node's servers end it, without an alert
    pool.waitForFigures({ accepted: 1, completed: 1, failed: 0 });
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
    const client = pool.client("read-on");
    expect(client.readLine(TIMEOUT)).toBe("reading");
    client.reset();
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
