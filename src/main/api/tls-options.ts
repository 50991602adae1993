/**
 * Checks TLS options and copies them for another thread.
 *
 * Runs on the calling thread.
 */

import type { TlsCopies, TlsIdentity, TlsParameters, TlsText } from "../../ring/protocol.js";
import * as check from "./arguments.js";
import { hostName, ipFamily } from "./host-name.js";
import { NetError } from "./net-error.js";
import { type Hints, type Names, ownOptions } from "./option-names.js";
import type { ServerTlsOptions, StartTlsOptions, TlsOptions } from "./options.js";
import { withDefaults } from "./tls-defaults.js";

type Check = (name: string, value: unknown) => unknown;

const TEXT_OR_BYTES: Check = (name, value) => (typeof value === "string" ? value : copyOf(check.bytes(name, value)));
const TEXTS: Check = (name, value) =>
  Array.isArray(value) ? value.map((each) => TEXT_OR_BYTES(name, each)) : TEXT_OR_BYTES(name, value);
const TEXT: Check = (name, value) => {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string`);
  return value;
};
const NAME: Check = (name, value) => (value === "" ? "" : hostName(name, value));
const VERSION: Check = (name, value) => {
  if (!["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].includes(value as string)) {
    throw new RangeError(`${name} must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, not ${String(value)}`);
  }
  return value;
};
const PROTOCOLS: Check = (name, value) => {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array of strings`);
  return value.map((each) => check.text(name, each));
};

const CHECKS: Record<keyof TlsCopies, Check> = {
  ca: TEXTS,
  cert: TEXTS,
  key: TEXTS,
  passphrase: TEXT,
  pfx: TEXT_OR_BYTES,
  servername: NAME,
  ALPNProtocols: PROTOCOLS,
  minVersion: VERSION,
  maxVersion: VERSION,
  ciphers: (name, value) => (value === "" ? "" : check.text(name, value)),
  rejectUnauthorized: check.boolean,
  requestCert: check.boolean,
  caFile: check.text,
};

const NEVER_NULL = new Set(["caFile", "rejectUnauthorized", "requestCert"]);

const BESIDE = "it belongs beside tls, not into it";
const HINTS: Hints = {
  host: BESIDE,
  hostname: BESIDE,
  port: BESIDE,
  path: BESIDE,
  timeout: BESIDE,
  checkServerIdentity: "functions can't go to another thread; servername says which name is verified",
  SNICallback: "functions can't go to another thread",
  ALPNCallback: "functions can't go to another thread; use ALPNProtocols",
  secureContext: "it can't go to another thread; give ca, cert, key and the like",
  secureProtocol: "use minVersion and maxVersion",
  session: "sessions are kept and resumed without it",
  cafile: "use caFile",
  contexts: "only servers have a certificate for each of several names",
};

/** The names of the TLS options. */
export const TLS_OPTIONS: Names<TlsCopies> = Object.fromEntries(
  Object.keys(CHECKS).map((name) => [name, true]),
) as Names<TlsCopies>;

const SERVER_OPTIONS: Names<ServerTlsOptions> = { ...TLS_OPTIONS, contexts: true };
const IDENTITY_OPTIONS: Names<TlsIdentity> = { cert: true, key: true, passphrase: true, pfx: true };

/**
 * The parameters for the networking thread, or null for no TLS. As in Node, an option that is null counts as absent;
 * for `caFile` and for booleans, where that would silently decide about trust, null is refused. Throws a `TypeError` or
 * `RangeError` that names the option.
 */
export function tlsParameters(tls: boolean | TlsCopies): TlsParameters | null {
  if (tls === false) return null;
  const parameters: Record<string, unknown> = {};
  const options = tls === true ? {} : ownOptions("tls", tls, TLS_OPTIONS, HINTS);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (value === null && !NEVER_NULL.has(name))) continue;
    parameters[name] = CHECKS[name as keyof TlsCopies](`tls.${name}`, value);
  }
  return withDefaults(parameters);
}

/** Checks a client's options, for a connection that may be opened later. Throws a `TypeError` or `RangeError` that names the option. */
export function checkTlsOptions(tls: TlsOptions): void {
  tlsParameters(tls);
}

/** The parameters of a server. Throws as `tlsParameters`, and a `NetError` if it has no certificate. */
export function serverTlsParameters(tls: boolean | ServerTlsOptions): TlsParameters | null {
  if (typeof tls === "boolean") return tls ? serverParameters({}) : null;
  return serverParameters(ownOptions("tls", tls, SERVER_OPTIONS, HINTS));
}

/** The parameters of `startTls`. `standard`: the default of `isServer`. Throws as `tlsParameters`. */
export function startTlsParameters(
  options: StartTlsOptions,
  standard: boolean,
): { parameters: TlsParameters; isServer: boolean } {
  const { isServer = standard, ...tls } = check.options("options", options);
  if (!check.boolean("isServer", isServer)) return { parameters: tlsParameters(tls) as TlsParameters, isServer };
  return { parameters: serverParameters(ownOptions("tls", tls, SERVER_OPTIONS, HINTS)), isServer };
}

function serverParameters({ contexts, ...tls }: ServerTlsOptions): TlsParameters {
  const parameters = tlsParameters(tls) as TlsParameters;
  mustHaveCertificate(parameters, "a TLS server");
  if (contexts !== undefined) parameters.identities = identitiesOf(contexts);
  return parameters;
}

function identitiesOf(contexts: Record<string, TlsIdentity>): TlsParameters["identities"] {
  const names = new Set<string>();
  return Object.entries(check.options("tls.contexts", contexts)).map(([name, given]) => {
    const path = `tls.contexts[${JSON.stringify(name)}]`;
    const identity: Record<string, unknown> = {};
    for (const [option, value] of Object.entries(ownOptions(path, given, IDENTITY_OPTIONS))) {
      if (value != null) identity[option] = CHECKS[option as keyof TlsIdentity](`${path}.${option}`, value);
    }
    mustHaveCertificate(identity, path);
    const asked = clientName(path, name);
    if (names.has(asked)) throw new RangeError(`${path}: there is another context for ${asked}`);
    names.add(asked);
    return { name: asked, identity };
  });
}

/** A name in the form in which clients ask for it. */
function clientName(path: string, name: string): string {
  const wild = name.startsWith("*.");
  const rest = wild ? name.slice(2) : name;
  if (rest === "" || rest.includes("*")) {
    throw new RangeError(`${path}: a name is a host name, or "*." in front of one for all names with one label more`);
  }
  if (ipFamily(rest) !== 0 || rest.endsWith(".")) {
    // RFC 6066, section 3
    throw new RangeError(
      `${path}: clients ask for no IP, and for names without a dot at the end; the context would never be used`,
    );
  }
  return (wild ? "*." : "") + hostName(path, rest).toLowerCase();
}

function mustHaveCertificate({ pfx, cert, key }: TlsIdentity, what: string): void {
  if (pfx !== undefined || (hasText(cert) && hasText(key))) return;
  throw new NetError({ code: "ERR_TLS_NO_CERTIFICATE", message: `${what} needs cert and key, or pfx` });
}

function hasText(text: TlsText | undefined): boolean {
  return text !== undefined && text.length > 0;
}

/** A copy, so that a pooled buffer is not sent with all that shares its memory. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
