/**
 * The defaults of `node:tls` on the calling thread. A program can change them (`tls.DEFAULT_MIN_VERSION`,
 * `tls.setDefaultCACertificates`, …), but only for its own thread, so they are sent to the networking thread.
 *
 * Used on the calling thread.
 */

import { createRequire } from "node:module";
import type { DefaultCertificates, TlsParameters } from "../../ring/protocol.js";
import { mayHaveLoaded } from "../link/node-internals.js";

type Tls = typeof import("node:tls");

const require = createRequire(process.execPath); // only for Node's own modules

/**
 * `node:tls`, or null if this thread has not loaded it: then nothing can have been changed, and loading it takes about
 * 10 ms.
 */
function loadedTls(): Tls | null {
  return mayHaveLoaded("tls") ? (require("node:tls") as Tls) : null;
}

/** `parameters`, completed with this thread's defaults. */
export function withDefaults(parameters: TlsParameters): TlsParameters {
  const tls = loadedTls();
  if (tls === null) return parameters;
  const trusted = !parameters.ca && parameters.caFile === undefined ? defaultCertificates(tls) : null;
  return {
    minVersion: tls.DEFAULT_MIN_VERSION,
    maxVersion: tls.DEFAULT_MAX_VERSION,
    ecdhCurve: tls.DEFAULT_ECDH_CURVE,
    ...parameters,
    ciphers: parameters.ciphers || tls.DEFAULT_CIPHERS,
    ...(trusted === null ? {} : { defaultCertificates: trusted }),
  };
}

let shared: { list: string[]; certificates: DefaultCertificates } | null = null;

/** The certificates that this thread trusts, in shared memory; null if this Node does not let programs change them. */
function defaultCertificates(tls: Tls): DefaultCertificates | null {
  if (typeof tls.setDefaultCACertificates !== "function") return null;
  const list = tls.getCACertificates("default"); // the same array until it is set anew
  if (shared?.list !== list) {
    const text = Buffer.from(JSON.stringify(list));
    const certificates = new Uint8Array(new SharedArrayBuffer(text.length));
    certificates.set(text);
    const { createHash } = require("node:crypto") as typeof import("node:crypto"); // loaded by now: `node:tls` needs it
    const fingerprint = createHash("sha256").update(text).digest("base64");
    shared = { list, certificates: { fingerprint, certificates } };
  }
  return shared.certificates;
}
