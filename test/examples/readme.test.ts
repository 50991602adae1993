/**
 * README.md: each block of code runs, with a local server in place of example.org, and the echo server works.
 */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TcpSocket } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { entryPoint } from "../support/examples.js";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { Process, root } from "../support/processes.js";
import { runCommand } from "../support/programs.js";
import { fileCommand } from "../support/runtime.js";
import { waitFor } from "../support/waiting.js";
import { Authority } from "../tls/support/certificates.js";

const BLOCKS = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map(
  ([, source]) => source as string,
);

/** The block, in a file, with a server of the test's own; the file's path. */
function program(block: number, replacements: Record<string, string>): string {
  let source = BLOCKS[block] as string;
  for (const [text, instead] of Object.entries({
    '"ringnet"': JSON.stringify(entryPoint("ringnet")),
    '"ringnet/http"': JSON.stringify(entryPoint("ringnet/http")),
    '"ringnet/sync-fetch"': JSON.stringify(entryPoint("ringnet/sync-fetch")),
    ...replacements,
  })) {
    source = source.replaceAll(text, instead);
  }
  const path = join(temporaryFolder(), "program.mjs");
  writeFileSync(path, source);
  return path;
}

test("the README has four programs", () => {
  expect(BLOCKS.length).toBe(4);
});

describe("against a TLS server", () => {
  /** The port of a server that answers a request, and the port of one that sends the same at once and ends. */
  let ports: [number, number];
  let authority: string;

  beforeAll(() => {
    const root = new Authority("root of the README");
    const { cert, key } = root.issue({ names: ["localhost"] });
    const text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
    const tls = { cert, key };
    ports = [startPeer("answer", { tls, reply: text, size: 20 }).port, startPeer("halfClosed", { tls, text }).port];
    authority = join(temporaryFolder(), "ca.pem");
    writeFileSync(authority, root.cert);
  });

  /** What the block prints. */
  function run(block: number): string {
    const path = program(block, {
      "https://example.org/": `https://localhost:${ports[0]}/`,
      'host: "example.org", port: 443': `host: "localhost", port: ${ports[1]}`,
    });
    const [command = "", ...args] = fileCommand(path);
    const outcome = runCommand(command, args, {
      env: { NODE_EXTRA_CA_CERTS: authority, NO_PROXY: "localhost" },
    });
    expect(outcome.errors).toBe("");
    expect(outcome.code).toBe(0);
    return outcome.output;
  }

  test("fetch prints the status, the type and the text", () => {
    expect(run(0)).toBe("200 text/plain\nhello\n\n");
  });

  test("sync-fetch's function prints the text", () => {
    expect(run(1)).toBe("hello\n\n");
  });

  test("connect prints the first line and the rest", () => {
    const output = run(2);
    expect(output.startsWith("HTTP/1.1 200 OK\nContent-Type: text/plain\r\n")).toBe(true);
    expect(output).toContain("\r\n\r\nhello\n");
  });
});

describe("the echo server", () => {
  let port: number;

  beforeAll(() => {
    port = closedPort();
    const server = new Process(process.execPath, [program(3, { "port: 7000": `port: ${port}` })], {
      env: { NODE_OPTIONS: undefined },
    });
    waitFor("the echo server", () => {
      try {
        connect({ host: "127.0.0.1", port, timeout: 5000 }).close();
        return true;
      } catch {
        expect(server.alive, server.errors).toBe(true);
        return false;
      }
    });
  });

  const open = (): TcpSocket => connect({ host: "127.0.0.1", port, timeout: 5000 });

  function expectAnswer(socket: TcpSocket): void {
    socket.writeAll("ping\n", 5000);
    expect(socket.readLine(5000)).toBe("ping");
  }

  test("returns 32 MiB to a client that reads late, and serves others meanwhile", () => {
    const [slow, other] = [open(), open()];
    const piece = Buffer.alloc(1 << 20);
    const [sent, received] = [createHash("sha256"), createHash("sha256")];
    let [written, read] = [0, 0];
    const SIZE = 32 << 20;
    const take = () => {
      const bytes = slow.read();
      if (bytes === null) throw new Error("the server has ended");
      received.update(bytes);
      read += bytes.length;
    };
    // Until the server accepts no more: it is full, because nothing is read here.
    for (let idle = performance.now(); performance.now() - idle < 300 && written < SIZE; ) {
      const count = slow.write(piece.fill(written >> 16).subarray(0, Math.min(piece.length, SIZE - written)));
      sent.update(piece.subarray(0, count));
      if (count > 0) idle = performance.now();
      written += count;
    }
    expectAnswer(other);
    const deadline = performance.now() + 20_000;
    while (read < SIZE) {
      if (performance.now() > deadline) throw new Error(`${read} of ${written} bytes came back`);
      const count = slow.write(piece.fill(written >> 16).subarray(0, Math.min(piece.length, SIZE - written)));
      sent.update(piece.subarray(0, count));
      written += count;
      if (slow.readable > 0) take();
      else slow.waitUntilReadable(10);
    }
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    expectAnswer(other);
    slow.close();
    other.close();
  });

  test("serves the others after one client's reset", () => {
    const [rude, other] = [open(), open()];
    expectAnswer(rude);
    rude.write("half a line");
    rude.reset();
    expectAnswer(other);
    expectAnswer(other);
    const last = open();
    expectAnswer(last);
    for (const socket of [other, last]) socket.close();
  });
});
