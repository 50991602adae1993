/**
 * Gaps in the modules of Bun and Deno that affect trust: filled here, or refused with an error. On Node this file
 * has no effect. docs/compatibility.md has the list.
 *
 * Runs on the networking thread.
 */

import type { KeyObject, X509Certificate } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import type { ConnectionOptions, DetailedPeerCertificate, PeerCertificate, SecureContextOptions } from "node:tls";
import { nodeCrypto, nodeTls } from "./secure-modules.js";

const { bun, deno } = process.versions as { bun?: string; deno?: string };

/** Whether secure contexts take authorities one by one, as Node's do (`addCACert`, which is not documented). */
export const ADDS_AUTHORITIES =
  bun === undefined && deno === undefined && process.env.RINGNET_PUBLIC_ONLY === undefined;

/**
 * Whether sockets read into the buffers of `onread`. Deno has it, but TLS can't be started on such a socket, and its
 * end may get lost.
 */
export const READS_INTO_BUFFERS = deno === undefined;

/** Whether a socket made of a descriptor reads from it. On Bun it reads nothing. */
export const SOCKETS_READ_DESCRIPTORS = bun === undefined;

/** Whether a file's times show that it was changed. Deno gives them in whole seconds. */
export const KNOWS_CHANGE_TIMES = deno === undefined;

/** Whether a connected UDP socket receives from its peer only. On Deno it receives everything that is sent to it. */
export const FILTERS_DATAGRAMS = deno === undefined;

/** Whether datagrams that are given to a socket before the last one was sent stay in order. On Deno they don't. */
export const KEEPS_DATAGRAMS_IN_ORDER = deno === undefined;

/** Whether a TCP port can be bound without listening. Bun can't, and Deno ignores the flags (`ipv6Only`, `reusePort`). */
export const BINDS_WITHOUT_LISTENING = bun === undefined && deno === undefined;

/** Whether terminating a thread ends its waits and loops. On Deno it ends when it returns to its event loop. */
export const TERMINATING_ENDS_WAITS = deno === undefined;

/** Whether invalid compressed data is an error of its message alone. On Deno `ws` throws outside of every call then, which would end this thread. */
export const INFLATES_SAFELY = deno === undefined;

/** The error of a TCP server that is to serve IPv6 alone where IPv4 would reach it too: Deno ignores `ipv6Only`. Null elsewhere. */
export function ipv6OnlyError(ipv6Only: boolean, host: string | null): Error | null {
  if (deno === undefined || !ipv6Only) return null;
  const takesIPv4 = host === null || (isIPv6(host) && /^\[::(ffff:.*)?\]$/.test(canonical(host)));
  if (!takesIPv4) return null;
  return unavailable("Deno ignores ipv6Only, so the server would serve IPv4 too; bind ::1 or another address of IPv6");
}

/** Whether look-ups leave threads of the pool to file access. On Bun they may take all, which are as many as the cores. */
export const LOOKUPS_LEAVE_THREADS = bun === undefined;

/** Whether two texts are the same IP; `::ffff:` in front of an IPv4 address and zones make no difference. */
export function isSameIP(one: string, other: string): boolean {
  return one === other || canonical(one) === canonical(other);
}

function canonical(ip: string): string {
  return new URL(`http://[${isIPv4(ip) ? `::ffff:${ip}` : ip.replace(/%.*/, "")}]`).hostname;
}

/** The options as this runtime takes them. Throws if it would ignore one, or accept an invalid key or certificate. */
export function usable(options: SecureContextOptions): SecureContextOptions {
  if (bun !== undefined) {
    refuseSuites(options);
    if (Array.isArray(options.ca) && options.ca.length === 0) {
      throw unavailable("Bun trusts its own authorities where tls.ca is an empty list, instead of none");
    }
  }
  if (deno === undefined) return options;
  refuseIgnored(options, "ciphers", nodeTls().DEFAULT_CIPHERS);
  refuseIgnored(options, "ecdhCurve", nodeTls().DEFAULT_ECDH_CURVE);
  return withCheckedKeys(withCheckedAuthorities(options));
}

function refuseIgnored(options: SecureContextOptions, name: "ciphers" | "ecdhCurve", standard: string): void {
  if (options[name] === undefined || options[name] === standard) return;
  throw unavailable(`Deno ignores the TLS option ${name}, so "${options[name]}" would not hold`);
}

const SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** BoringSSL always offers all TLS 1.3 suites. */
function refuseSuites({ ciphers, maxVersion }: SecureContextOptions): void {
  if (ciphers === undefined || !ciphers.includes("TLS_") || (maxVersion !== undefined && maxVersion !== "TLSv1.3"))
    return;
  const names = ciphers.split(":");
  const missing = SUITES.filter((suite) => !names.includes(suite));
  if (missing.length === 0) return;
  throw unavailable(`Bun always offers all suites of TLS 1.3, so ciphers without ${missing.join(", ")} would not hold`);
}

/**
 * Without authorities that are not valid now: Deno would trust them. A broken one is an error: Deno throws outside of every call when it
 * looks for the peer's issuer in such a bundle, which would end this thread.
 */
function withCheckedAuthorities(options: SecureContextOptions): SecureContextOptions {
  const { X509Certificate } = nodeCrypto();
  const isValid = (authority: string): boolean =>
    isValidNow(attempt("ca", "ERR_CA_BUNDLE", () => new X509Certificate(authority)));
  const authorities = listOf(options.ca).flatMap((bundle) => bundle.toString().match(CERTIFICATES) ?? []);
  const valid = authorities.filter(isValid);
  return valid.length === authorities.length ? options : { ...options, ca: valid };
}

/**
 * The options of a client. Deno 2.9 takes the name of an authority for its signature where a certificate in the chain has version 1, so that
 * anybody could issue one: such a chain is refused.
 */
export function verifyingChain(options: ConnectionOptions): ConnectionOptions {
  if (deno === undefined) return options;
  const { checkServerIdentity = nodeTls().checkServerIdentity } = options;
  return {
    ...options,
    checkServerIdentity: (name, certificate) => chainFault(certificate) ?? checkServerIdentity(name, certificate),
  };
}

/** Longer chains are refused, too. */
const LONGEST_CHAIN = 20;

function chainFault(certificate: PeerCertificate): Error | undefined {
  let each = certificate as DetailedPeerCertificate;
  for (let i = 0; i < LONGEST_CHAIN; i++) {
    if (hasVersion1(each.raw)) break;
    const issuer: DetailedPeerCertificate | undefined = each.issuerCertificate;
    if (issuer === undefined || issuer === each) return undefined;
    each = issuer;
  }
  return unavailable("Deno does not verify chains with a certificate of version 1, or of more than 20 certificates");
}

/** Whether a certificate in DER form begins without a version: then it has version 1 (RFC 5280, 4.1). */
function hasVersion1(der: Uint8Array): boolean {
  const inside = (at: number): number => {
    const length = der[at + 1] ?? 0;
    return at + 2 + (length < 0x80 ? 0 : length - 0x80);
  };
  return der[inside(inside(0))] !== 0xa0;
}

function isValidNow({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function unavailable(message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM" });
}

/**
 * Deno accepts any text as a key or certificate, even a key that it can't decrypt, and then fails or sends no
 * certificate in the handshake.
 */
function withCheckedKeys(options: SecureContextOptions): SecureContextOptions {
  const { createPrivateKey, X509Certificate } = nodeCrypto();
  const { passphrase } = options;
  const keys = listOf(options.key).map((key) =>
    attempt("key", "ERR_OSSL_UNSUPPORTED", () =>
      createPrivateKey(passphrase === undefined ? { key } : { key, passphrase }),
    ),
  );
  const certificates = listOf(options.cert).map((cert) =>
    attempt("cert", "ERR_OSSL_PEM_NO_START_LINE", () => new X509Certificate(cert)),
  );
  for (const certificate of keys.length === 0 ? [] : certificates) mustHaveKey(certificate, keys);
  if (keys.length === 0) return options;
  const { passphrase: _, ...rest } = options;
  // Decrypted here: Deno's TLS supports fewer key encryptions than its own createPrivateKey.
  return { ...rest, key: keys.map((key) => key.export({ format: "pem", type: "pkcs8" }) as string) };
}

function mustHaveKey(certificate: X509Certificate, keys: readonly KeyObject[]): void {
  if (keys.some((key) => certificate.checkPrivateKey(key))) return;
  throw Object.assign(new Error("key values mismatch: tls.key is not the key of tls.cert"), {
    code: "ERR_OSSL_X509_KEY_VALUES_MISMATCH",
  });
}

function attempt<T>(name: "ca" | "cert" | "key", code: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const reason = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(`tls.${name} can't be used: ${reason.message}`), { code: reason.code ?? code });
  }
}

function listOf(value: SecureContextOptions["key" | "cert" | "ca"]): (string | Buffer)[] {
  const list = value === undefined || value.length === 0 ? [] : [value].flat();
  return list.filter((each): each is string | Buffer => typeof each === "string" || Buffer.isBuffer(each));
}
