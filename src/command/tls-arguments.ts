/**
 * The TLS arguments that `get`, `connect` and `listen` share.
 *
 * Used on the calling thread.
 */

import type { TlsOptions } from "../main/index.js";
import { CERTIFICATE_BYTES, readFile } from "./limited-file.js";

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
    ...(cert === undefined ? {} : { cert: readFile("--cert", cert, CERTIFICATE_BYTES) }),
    ...(key === undefined ? {} : { key: readFile("--key", key, CERTIFICATE_BYTES) }),
    ...(servername === undefined ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
}
