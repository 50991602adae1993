/**
 * Paths of Unix domain sockets.
 *
 * Runs on the networking thread.
 */

import { statSync } from "node:fs";

/**
 * The longest path in bytes, without the final NUL: unix(7) on Linux, unix(4) on macOS and the BSDs. Windows has pipes
 * instead.
 */
const LONGEST = process.platform === "win32" ? 256 : process.platform === "linux" ? 107 : 103;

/** Throws if `path` is too long: libuv would cut it off, and use another file. */
export function checkSocketPath(path: string, syscall: "connect" | "listen"): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST) return;
  // The whole path might not fit into the slot.
  const beginning = Buffer.from(path).subarray(0, LONGEST).toString();
  const message = `${syscall} ENAMETOOLONG: a socket's path may have ${LONGEST} bytes, not ${bytes}: ${beginning}…`;
  throw Object.assign(new Error(message), { code: "ENAMETOOLONG", syscall });
}

/** Whether there is a file at `path`, and it is a socket. */
export function isSocketFile(path: string): boolean {
  if (path.startsWith("\0")) return false; // an abstract name
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}
