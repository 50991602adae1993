/**
 * Standard input as a socket, so that a program can wait for it together with others.
 *
 * A process reads it and writes it to a Unix domain socket in a folder that only this user can open. (Not a thread: a blocked read in a
 * thread can't be cancelled, so this process could not end.) Runs on the calling thread.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, type TcpSocket } from "../main/index.js";

// In single quotes: the package's build puts its own in the place of `require("…")`.
const READER = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', () => process.exit());
socket.on('close', () => process.exit());
process.stdin.on('error', () => socket.end());
process.stdin.pipe(socket);
`;

/** `input` ends when standard input does. `stop` ends the reading process. */
export function standardInput(): { input: TcpSocket; stop: () => void } {
  const folder = process.platform === "win32" ? null : mkdtempSync(join(tmpdir(), "ringnet-"));
  const path = folder === null ? `\\\\.\\pipe\\ringnet-${process.pid}-${Date.now()}` : join(folder, "input");
  const server = listen({ path });
  const { NODE_OPTIONS: _, ...env } = process.env;
  const reader = spawn(process.execPath, ["-e", READER, path], { stdio: ["inherit", "ignore", "ignore"], env });
  reader.unref();
  try {
    const input = server.acceptWait(30_000);
    if (input === null) throw new Error("the process that reads standard input did not start within 30 seconds");
    return { input, stop: () => void reader.kill("SIGKILL") };
  } finally {
    server.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
