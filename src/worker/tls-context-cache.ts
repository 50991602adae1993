/**
 * Turns TLS parameters into secure contexts and servers. A context parses its certificates once, for all
 * connections with the same parameters.
 *
 * Runs on the networking thread.
 */

import type { SecureContext, SecureContextOptions, Server, TlsOptions } from "node:tls";
import type { DefaultCertificates, TlsParameters } from "../ring/protocol.js";
import { type CaFile, CaFiles } from "./ca-file.js";
import { fingerprint, type Part } from "./fingerprint.js";
import { secureContext, secureServer } from "./gradual-context.js";
import { usable } from "./other-runtimes.js";
import { nodeCrypto, nodeTls } from "./secure-modules.js";

/** The most contexts kept; one with a system's bundle takes a megabyte. The least recently used are dropped first. */
const KEPT = 64;

/** The parameters of a context; the others (name, ALPN, whether to verify) belong to the connection. */
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

/** The session id context of servers with several certificates. */
const SESSION_ID = "ringnet";

/** A context, and a fingerprint of its parameters. */
export interface KeptContext {
  readonly key: string;
  readonly context: SecureContext;
}

export class TlsContextCache {
  readonly #files = new CaFiles();
  readonly #contexts = new Map<string, KeptContext>();
  /** Contexts under construction, by their keys. */
  readonly #making = new Map<string, Promise<KeptContext>>();
  /** Fingerprint of the certificates that this thread's `node:tls` trusts by default. */
  #ownDefault: string | null = null;

  /**
   * The context for `parameters`; a promise if a file must be read or many certificates parsed first. Throws, or
   * rejects, with an error that names the certificate, key or bundle if one can't be used.
   */
  context(parameters: TlsParameters): KeptContext | Promise<KeptContext> {
    if (parameters.caFile === undefined) return this.#context(parameters, null);
    return this.#files.load(parameters.caFile).then((file) => this.#context(parameters, file));
  }

  /**
   * The server that `create` makes with `more` of Node's options for `parameters`; a promise if a file must be read or
   * many certificates parsed first. Throws or rejects as `context`, and if there is no certificate.
   */
  server<S extends Server>(
    parameters: TlsParameters,
    create: (options: TlsOptions) => S,
    more: (options: TlsOptions) => TlsOptions = (options) => options,
  ): S | Promise<S> {
    const { caFile, identities } = parameters;
    if (parameters.pfx === undefined && (isEmpty(parameters.cert) || isEmpty(parameters.key))) {
      // Node would listen, and every handshake would fail.
      throw Object.assign(new Error("a TLS server needs cert and key, or pfx"), { code: "ERR_TLS_NO_CERTIFICATE" });
    }
    const made = (file: CaFile | null): S | Promise<S> => {
      const own = this.#serverOptions(parameters, file);
      if (identities === undefined) return secureServer(more(own), create);
      return this.#byName(parameters, identities, file).then((chosen) =>
        secureServer(more({ ...own, ...chosen }), create),
      );
    };
    return caFile === undefined ? made(null) : this.#files.load(caFile).then(made);
  }

  #serverOptions(parameters: TlsParameters, file: CaFile | null): TlsOptions {
    const { requestCert, rejectUnauthorized, ALPNProtocols } = parameters;
    return {
      ...this.#contextOptions(parameters, file),
      requestCert: requestCert === true,
      rejectUnauthorized: rejectUnauthorized !== false,
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
    };
  }

  /**
   * Options that choose the context by the name that a client asks for: an exact name first, then one with `*`, then
   * the server's own.
   */
  async #byName(
    parameters: TlsParameters,
    identities: NonNullable<TlsParameters["identities"]>,
    file: CaFile | null,
  ): Promise<TlsOptions> {
    const { cert, key, passphrase, pfx, ...shared } = parameters;
    const contexts = new Map<string, SecureContext>();
    for (const { name, identity } of identities) {
      const options = { ...this.#contextOptions({ ...shared, ...identity }, file), sessionIdContext: SESSION_ID };
      contexts.set(name, await secureContext(options));
    }
    return {
      // OpenSSL resumes sessions of clients with certificates only if both contexts have the same session id context.
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

  /** Makes a context the most recently used one. */
  #keep(kept: KeptContext): KeptContext {
    this.#contexts.delete(kept.key);
    this.#contexts.set(kept.key, kept);
    if (this.#contexts.size > KEPT) this.#contexts.delete(this.#contexts.keys().next().value as string);
    return kept;
  }

  #contextOptions(parameters: TlsParameters, file: CaFile | null): SecureContextOptions {
    const options: Record<string, unknown> = {};
    for (const name of CONTEXT_OPTIONS) if (parameters[name] !== undefined) options[name] = copied(parameters[name]);
    const { ca, defaultCertificates } = parameters;
    if (file !== null) options.ca = ca === undefined ? file.text : [copied(ca), file.text].flat();
    else if (ca !== undefined && ca !== "")
      options.ca = copied(ca); // with an empty list Node trusts no peer
    else if (defaultCertificates !== undefined) options.ca = this.#changedDefault(defaultCertificates);
    return usable(options as SecureContextOptions);
  }

  /** The certificates that the calling thread trusts by default; undefined if they are also this thread's default. */
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

/** Makes Buffers of Uint8Arrays: Node takes only Buffers and strings, and a posted Buffer arrives as a Uint8Array. */
function copied(value: Part): Part {
  if (Array.isArray(value)) return value.map(copied);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}
