/**
 * The TLS arguments that `get`, `connect` and `listen` share.
 *
 * Used on the calling thread.
 */

import { closeSync, openSync, readSync } from "node:fs";
import type { TlsOptions } from "../main/index.js";
import { CommandError, EXIT } from "./exit-code.js";

/** The largest certificate or key, in bytes: as for `caFile`. */
const MAX_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** The arguments as `TlsOptions`. Throws a `CommandError` if the certificate or the key can't be read. */
export function tlsOf(values: {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  servername?: string | undefined;
  insecure?: boolean | undefined;
}): TlsOptions {
  const { ca, cert, key, servername, insecure } = values;
  return {
    ...(ca === undefined ? {} : { caFile: ca }), // its size is limited there
    ...(cert === undefined ? {} : { cert: contentsOf("--cert", cert) }),
    ...(key === undefined ? {} : { key: contentsOf("--key", key) }),
    ...(servername === undefined ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}

/** A FIFO is read too: `--key <(decrypt key.pem)`. */
function contentsOf(argument: string, path: string): Buffer {
  try {
    return readLimited(path);
  } catch (error) {
    throw new CommandError(EXIT.write, `${argument} ${path} can't be used: ${(error as Error).message}`);
  }
}

function readLimited(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const pieces: Buffer[] = [];
    for (let size = 0; ; ) {
      const piece = Buffer.alloc(PIECE_BYTES);
      const count = readSync(file, piece);
      if (count === 0) return Buffer.concat(pieces);
      size += count;
      if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}
