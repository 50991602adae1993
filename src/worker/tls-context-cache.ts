/**
 * TLS parameters as Node wants them, and the secure contexts made of them: a context parses its certificates once, for all connections
 * with the same ones.
 *
 * Runs on the networking thread.
 */

import type tls from "node:tls";
import type { SecureContext } from "node:tls";
import type { DefaultCertificates, TlsParameters } from "../ring/protocol.js";
import { type CaFile, CaFiles } from "./ca-file.js";
import { fingerprint, type Part } from "./fingerprint.js";
import { secureContext } from "./gradual-context.js";
import { usable } from "./other-runtimes.js";
import { nodeCrypto, nodeTls } from "./secure-modules.js";

/** Most contexts that are kept; one with a system's bundle takes a megabyte. The ones used longest ago go first. */
const KEPT = 64;

/** What a context is made of; the rest (name, ALPN, whether to verify) belongs to the connection. */
const CONTEXT_OPTIONS = [
  "cert",
  "key",
  "passphrase",
  "pfx",
  "minVersion",
  "maxVersion",
  "ciphers",
  "ecdhCurve",
] as const;

/** Of servers with several identities. */
const SESSION_ID = "ringnet";

/** A context, and a fingerprint of what it trusts and shows. */
export interface KeptContext {
  readonly key: string;
  readonly context: SecureContext;
}

export class TlsContextCache {
  readonly #files = new CaFiles();
  readonly #contexts = new Map<string, KeptContext>();
  /** Contexts that are being made, by their keys. */
  readonly #making = new Map<string, Promise<KeptContext>>();
  /** Fingerprint of the certificates that this thread's `node:tls` trusts where it is given none. */
  #ownDefault: string | null = null;

  /**
   * The context for `parameters`; a promise where a file must be read first, or many certificates parsed. Throws, or rejects, where a
   * certificate, key or bundle can't be used, with an error that names it.
   */
  context(parameters: TlsParameters): KeptContext | Promise<KeptContext> {
    if (parameters.caFile === undefined) return this.#context(parameters, null);
    return this.#files.load(parameters.caFile).then((file) => this.#context(parameters, file));
  }

  /** Options for `tls.createServer`. Throws or rejects as `context`, and where there is nothing to show to clients. */
  serverOptions(parameters: TlsParameters): tls.TlsOptions | Promise<tls.TlsOptions> {
    if (parameters.pfx === undefined && (isEmpty(parameters.cert) || isEmpty(parameters.key))) {
      // Node would listen, and every handshake would fail.
      throw Object.assign(new Error("a TLS server needs cert and key, or pfx"), { code: "ERR_TLS_NO_CERTIFICATE" });
    }
    const options = (file: CaFile | null): tls.TlsOptions => ({
      ...this.#contextOptions(parameters, file),
      requestCert: parameters.requestCert === true,
      rejectUnauthorized: parameters.rejectUnauthorized !== false,
      ...(parameters.ALPNProtocols === undefined ? {} : { ALPNProtocols: parameters.ALPNProtocols }),
      ...(parameters.identities === undefined ? {} : this.#byName(parameters, parameters.identities, file)),
    });
    return parameters.caFile === undefined ? options(null) : this.#files.load(parameters.caFile).then(options);
  }

  /** Options with what finds the context for the name that a client asks for; none: the server's own. An exact name goes before one with `*`. */
  #byName(
    parameters: TlsParameters,
    identities: NonNullable<TlsParameters["identities"]>,
    file: CaFile | null,
  ): tls.TlsOptions {
    const { cert, key, passphrase, pfx, ...shared } = parameters;
    const contexts = new Map<string, SecureContext>();
    for (const { name, identity } of identities) {
      const options = { ...this.#contextOptions({ ...shared, ...identity }, file), sessionIdContext: SESSION_ID };
      contexts.set(name, nodeTls().createSecureContext(options));
    }
    return {
      // OpenSSL resumes sessions of clients with certificates only where both contexts name the same.
      sessionIdContext: SESSION_ID,
      SNICallback: (servername, answer) => {
        const name = servername.toLowerCase();
        const wild = `*${name.slice(Math.max(0, name.indexOf(".")))}`;
        answer(null, contexts.get(name) ?? contexts.get(wild));
      },
    };
  }

  #context(parameters: TlsParameters, file: CaFile | null): KeptContext | Promise<KeptContext> {
    const key = fingerprint(
      CONTEXT_OPTIONS.map((name) => parameters[name]),
      parameters.ca,
      file === null ? null : [parameters.caFile, file.identity],
      parameters.defaultCertificates?.fingerprint,
    );
    const known = this.#contexts.get(key);
    if (known !== undefined) return this.#keep(known);
    const making = this.#making.get(key);
    if (making !== undefined) return making;
    const made = secureContext(this.#contextOptions(parameters, file));
    if (!(made instanceof Promise)) return this.#keep({ key, context: made });
    const promise = made.then((context) => this.#keep({ key, context })).finally(() => this.#making.delete(key));
    this.#making.set(key, promise);
    return promise;
  }

  /** Puts it behind the others. */
  #keep(kept: KeptContext): KeptContext {
    this.#contexts.delete(kept.key);
    this.#contexts.set(kept.key, kept);
    if (this.#contexts.size > KEPT) this.#contexts.delete(this.#contexts.keys().next().value as string);
    return kept;
  }

  #contextOptions(parameters: TlsParameters, file: CaFile | null): tls.SecureContextOptions {
    const options: Record<string, unknown> = {};
    for (const name of CONTEXT_OPTIONS) if (parameters[name] !== undefined) options[name] = copied(parameters[name]);
    const { ca, defaultCertificates } = parameters;
    if (file !== null) options.ca = ca === undefined ? file.text : [copied(ca), file.text].flat();
    else if (ca !== undefined && ca !== "")
      options.ca = copied(ca); // with an empty list Node trusts no peer
    else if (defaultCertificates !== undefined) options.ca = this.#changedDefault(defaultCertificates);
    return usable(options as tls.SecureContextOptions);
  }

  /** What the calling thread trusts by default, or undefined where that is what this thread's `node:tls` does anyway. */
  #changedDefault({ fingerprint: theirs, certificates }: DefaultCertificates): string[] | undefined {
    this.#ownDefault ??= nodeCrypto()
      .createHash("sha256")
      .update(JSON.stringify(nodeTls().getCACertificates("default")))
      .digest("base64");
    if (theirs === this.#ownDefault) return undefined;
    return JSON.parse(Buffer.from(certificates).toString()) as string[];
  }
}

function isEmpty(value: TlsParameters["cert"]): boolean {
  return value === undefined || value.length === 0;
}

/** Node takes Buffers and strings; a Uint8Array arrives from the other thread as itself. */
function copied(value: Part): Part {
  if (Array.isArray(value)) return value.map(copied);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
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
