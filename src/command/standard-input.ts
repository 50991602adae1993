/**
 * Standard input as a socket, so that a program can wait for it together with others.
 *
 * A thread reads it and writes it to a Unix domain socket in a folder that only this user can open. Runs on the calling thread.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { listen, type TcpSocket } from "../main/index.js";

// In single quotes: the package's build puts its own in the place of `require("…")`.
const READER = `
const { createReadStream } = require('node:fs');
const { connect } = require('node:net');
const { workerData } = require('node:worker_threads');
const socket = connect(workerData);
socket.on("error", () => process.exit());
const input = createReadStream(null, { fd: 0, autoClose: false });
input.on("error", () => socket.end());
input.pipe(socket);
`;

/** Its end is the end of the input. */
export function standardInput(): TcpSocket {
  const folder = process.platform === "win32" ? null : mkdtempSync(join(tmpdir(), "ringnet-"));
  const path = folder === null ? `\\\\.\\pipe\\ringnet-${process.pid}-${Date.now()}` : join(folder, "input");
  const server = listen({ path });
  try {
    const reader = new Worker(READER, { eval: true, workerData: path, stdin: false });
    reader.unref();
    const input = server.acceptWait(10_000);
    if (input === null) throw new Error("the thread that reads standard input did not start within 10 seconds");
    return input;
  } finally {
    server.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
