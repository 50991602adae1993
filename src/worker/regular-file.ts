/**
 * Reads regular files, without blocking and up to a size limit. Other files (a FIFO, a device) may never end, or never
 * start.
 *
 * Runs on the networking thread, where a synchronous read of a slow file would stop every connection.
 */

import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { KNOWS_CHANGE_TIMES } from "./other-runtimes.js";

const PIECE_BYTES = 256 * 1024;

export interface OpenFile {
  /**
   * Device, inode, size, and the times of the last changes of contents and inode; null if the times are too coarse to
   * show a change.
   */
  readonly identity: string | null;
  /** The whole text, as UTF-8. */
  readonly text: () => Promise<string>;
}

/**
 * Opens the file at `path`, passes it to `use`, and closes it afterwards. Rejects with the system's error, or if it is
 * not a regular file, or has more than `maxBytes`.
 */
export async function withRegularFile<T>(
  path: string,
  maxBytes: number,
  use: (file: OpenFile) => Promise<T>,
): Promise<T> {
  // O_NONBLOCK: does not wait for a writer if it is a FIFO.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await file.stat({ bigint: true });
    if (stats.isDirectory()) throw Object.assign(new Error("EISDIR: it is a directory"), { code: "EISDIR" });
    if (!stats.isFile()) throw new Error("it is not a regular file");
    if (stats.size > maxBytes) throw tooLarge(maxBytes);
    return await use({ identity: identityOf(stats), text: () => textOf(file, maxBytes) });
  } finally {
    await file.close();
  }
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string | null {
  if (!KNOWS_CHANGE_TIMES) return null;
  return [dev, ino, size, mtimeNs, ctimeNs].join(" "); // numbers only: no two lists make the same text
}

/** The file may grow while it is read. */
async function textOf(file: FileHandle, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES));
    if (bytesRead === 0) return Buffer.concat(pieces).toString("utf8");
    size += bytesRead;
    if (size > maxBytes) throw tooLarge(maxBytes);
    pieces.push(buffer.subarray(0, bytesRead));
  }
}

function tooLarge(maxBytes: number): Error {
  return new Error(`it has more than ${maxBytes} bytes`);
}
