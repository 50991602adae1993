/**
 * TLS parameters as Node wants them, with what is worth keeping between connections: CA bundles by path and
 * modification time, secure contexts, and sessions to resume.
 *
 * Runs on the networking thread.
 */

import { readFileSync, statSync } from "node:fs";
import type tls from "node:tls";
import type { SecureContext } from "node:tls";
import type { PeerCertificateFacts, TlsParameters } from "../ring/protocol.js";
import { nodeCrypto, nodeTls } from "./secure-modules.js";

/** Most secure contexts and sessions that are kept; the ones used longest ago go first. */
const KEPT = 256;

interface Bundle {
  modified: number;
  text: string;
}

/** A session to resume, and the certificate that its server has shown: a resumed handshake does not show it again. */
export interface KeptSession {
  session: Buffer;
  certificate: PeerCertificateFacts | null;
}

export class TlsContextCache {
  readonly #bundles = new Map<string, Bundle>();
  readonly #contexts = new Map<string, SecureContext>();
  readonly #sessions = new Map<string, KeptSession>();

  /** Options for `tls.connect`. Throws if a certificate, key or bundle is unusable, and names it. */
  clientOptions(
    parameters: TlsParameters,
    peer: string,
  ): { options: tls.ConnectionOptions; sessionKey: string; kept: KeptSession | undefined } {
    const bundle = parameters.caFile === undefined ? null : this.#bundle(parameters.caFile);
    const contextKey = digest(JSON.stringify(parameters), bundle === null ? "" : String(bundle.modified));
    let secureContext = recall(this.#contexts, contextKey);
    if (secureContext === undefined) {
      secureContext = nodeTls().createSecureContext(contextOptions(parameters, bundle));
      keep(this.#contexts, contextKey, secureContext);
    }
    const sessionKey = `${contextKey} ${peer}`;
    const kept = recall(this.#sessions, sessionKey);
    const options = {
      secureContext,
      rejectUnauthorized: parameters.rejectUnauthorized !== false,
      ...(parameters.servername === undefined ? {} : { servername: parameters.servername }),
      ...(parameters.ALPNProtocols === undefined ? {} : { ALPNProtocols: parameters.ALPNProtocols }),
      ...(kept === undefined ? {} : { session: kept.session }),
    };
    return { options, sessionKey, kept };
  }

  /** Keeps a session for the next connection with the same key. */
  keepSession(sessionKey: string, session: KeptSession): void {
    keep(this.#sessions, sessionKey, session);
  }

  /** Options for `tls.createServer`. Throws as `clientOptions`, and where there is nothing to show to clients. */
  serverOptions(parameters: TlsParameters): tls.TlsOptions {
    if (parameters.pfx === undefined && (parameters.cert === undefined || parameters.key === undefined)) {
      // Node would listen, and every handshake would fail.
      throw Object.assign(new Error("a TLS server needs cert and key, or pfx"), { code: "ERR_TLS_NO_CERTIFICATE" });
    }
    const bundle = parameters.caFile === undefined ? null : this.#bundle(parameters.caFile);
    return {
      ...contextOptions(parameters, bundle),
      requestCert: parameters.requestCert === true,
      rejectUnauthorized: parameters.rejectUnauthorized !== false,
      ...(parameters.ALPNProtocols === undefined ? {} : { ALPNProtocols: parameters.ALPNProtocols }),
    };
  }

  #bundle(path: string): Bundle {
    try {
      const modified = statSync(path).mtimeMs;
      const known = this.#bundles.get(path);
      if (known?.modified === modified) return known;
      const text = readFileSync(path, "utf8");
      checkBundle(text);
      const bundle = { modified, text };
      this.#bundles.set(path, bundle);
      return bundle;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw Object.assign(new Error(`the CA bundle ${path} can't be used: ${message}`), {
        code: code ?? "ERR_CA_BUNDLE",
      });
    }
  }
}

/**
 * Node's check of a certificate for an IPv6 address, which in releases of Node 22 refuses them all: it takes the IP for
 * a name there.
 */
export function checkIPv6(ip: string, certificate: tls.PeerCertificate): Error | undefined {
  const { X509Certificate } = nodeCrypto();
  const matches = new X509Certificate(certificate.raw).checkIP(ip) !== undefined;
  return matches ? undefined : nodeTls().checkServerIdentity(ip, certificate);
}

/**
 * OpenSSL passes over what it can't parse in a bundle, silently; an empty bundle then trusts no peer, or
 * worse.
 */
function checkBundle(text: string): void {
  const certificates = text.match(
    /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]*(-----END (TRUSTED )?CERTIFICATE-----)?/g,
  );
  if (certificates === null) throw new Error("there is no PEM certificate in it");
  for (const [index, certificate] of certificates.entries()) {
    try {
      new (nodeCrypto().X509Certificate)(certificate);
    } catch (error) {
      throw new Error(`its certificate number ${index + 1} can't be parsed (${(error as Error).message})`);
    }
  }
}

function contextOptions(parameters: TlsParameters, bundle: Bundle | null): tls.SecureContextOptions {
  const options: Record<string, unknown> = {};
  for (const name of ["cert", "key", "passphrase", "pfx", "minVersion", "maxVersion", "ciphers"] as const) {
    if (parameters[name] !== undefined) options[name] = copied(parameters[name]);
  }
  const own = parameters.ca === undefined ? [] : [copied(parameters.ca)].flat();
  const authorities = bundle === null ? own : [...own, bundle.text];
  if (authorities.length > 0) options.ca = authorities;
  return options as tls.SecureContextOptions;
}

/** Node takes Buffers and strings; a Uint8Array arrives from the other thread as itself. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function digest(...texts: string[]): string {
  const hash = nodeCrypto().createHash("sha256");
  for (const text of texts) hash.update(text);
  return hash.digest("base64");
}

function recall<T>(kept: Map<string, T>, key: string): T | undefined {
  const value = kept.get(key);
  if (value !== undefined) {
    kept.delete(key);
    kept.set(key, value);
  }
  return value;
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key);
  kept.set(key, value);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
}
