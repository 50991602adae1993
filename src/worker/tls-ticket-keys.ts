/**
 * Keys of the session tickets of servers that TLS was started on: one for each connection, so that without common keys
 * no client could resume a session.
 *
 * Runs on the networking thread. Servers have common keys only where all options are equal: a resumed handshake checks
 * no certificate of the client, which another server might ask for.
 */

import type { TlsOptions } from "node:tls";
import type { TlsParameters } from "../ring/protocol.js";
import { fingerprint, type Part } from "./fingerprint.js";
import { nodeCrypto } from "./secure-modules.js";

/** Bytes that Node's `ticketKeys` has. */
const LENGTH = 48;

let secret: Buffer | null = null;

/** The keys of a server with `options`, which were made of `parameters`. They hold for the life of this thread. */
export function ticketKeys(options: TlsOptions, { identities = [] }: TlsParameters): Buffer {
  const { createHmac, randomBytes } = nodeCrypto();
  secret ??= randomBytes(32);
  const parts = [...entries(options), ...identities.map(({ name, identity }) => [name, ...entries(identity)])];
  return createHmac("sha512", secret)
    .update(fingerprint(...parts))
    .digest()
    .subarray(0, LENGTH);
}

/** The names and values of the options that are not functions. */
function entries(options: object): Part[] {
  return Object.entries(options)
    .filter(([, value]) => typeof value !== "function")
    .map(([name, value]) => [name, value as Part]);
}
