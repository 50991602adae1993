/**
 * Reads files that arguments and the environment name, up to a size limit.
 *
 * Runs on the calling thread.
 */

import { closeSync, openSync, readSync } from "node:fs";
import { openInput } from "../main/index.js";
import { CommandError, EXIT } from "./exit-code.js";

/** The largest certificate, bundle or key, in bytes: as for `caFile`. */
export const CERTIFICATE_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * The contents of a file. A FIFO is read too: `--key <(decrypt key.pem)`. Throws a `CommandError` that begins with `what`
 * if it can't be read or has more than `maxBytes`.
 */
export function readFile(what: string, path: string, maxBytes: number): Buffer {
  return explained(`${what} ${path}`, () => {
    const file = openSync(path, "r");
    try {
      const pieces: Buffer[] = [];
      for (let size = 0; ; ) {
        const piece = Buffer.alloc(PIECE_BYTES);
        const count = readSync(file, piece);
        if (count === 0) return Buffer.concat(pieces);
        size += count;
        if (size > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
        pieces.push(piece.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
  });
}

/** The same for standard input. */
export function readStdin(what: string, maxBytes: number): Buffer {
  return explained(what, () => openInput("stdin").readAll(-1, { maxLength: maxBytes }));
}

function explained(name: string, read: () => Buffer): Buffer {
  try {
    return read();
  } catch (error) {
    throw new CommandError(EXIT.write, `${name} can't be used: ${(error as Error).message}`);
  }
}
