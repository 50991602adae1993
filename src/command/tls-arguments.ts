/**
 * The TLS arguments that `get`, `connect` and `listen` share.
 *
 * Used on the calling thread.
 */

import { readFileSync } from "node:fs";
import type { TlsOptions } from "../main/index.js";

/** The arguments as `TlsOptions`. Throws the system's error if a file can't be read. */
export function tlsOf(values: {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  servername?: string | undefined;
  insecure?: boolean | undefined;
}): TlsOptions {
  const { ca, cert, key, servername, insecure } = values;
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(servername === undefined ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}
