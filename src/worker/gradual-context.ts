/**
 * Makes secure contexts and TLS servers with many authorities in steps: OpenSSL takes 0.1 ms or more for a certificate, and all 140 of
 * a system's bundle at once would hold up every other connection.
 *
 * Runs on the networking thread.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { SecureContext, SecureContextOptions, Server, TlsOptions } from "node:tls";
import { type AddAuthority, authorityAdder, contextOfServer } from "./node-internals.js";
import { ADDS_AUTHORITIES } from "./other-runtimes.js";
import { nodeCrypto, nodeTls } from "./secure-modules.js";

/** Fewer certificates than this are parsed in one step. */
const MANY = 16;
/** How long to parse certificates in one turn of the event loop, in ms. */
const STEP_MS = 1;

/**
 * A certificate in a form that OpenSSL takes as an authority. Its first and last line contain nothing else: OpenSSL skips or
 * refuses the others, where one is commented out, say, or a file did not end with a line feed.
 */
const CERTIFICATE =
  /(?<![^\n])-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----\r?\n[A-Za-z0-9+/=\s]*\n-----END \1-----(?=\r?\n|$)/g;

/** The secure context for `options`; a promise if there are many authorities. */
export function secureContext(options: SecureContextOptions): SecureContext | Promise<SecureContext> {
  return inSteps(options, nodeTls().createSecureContext, authorityAdder);
}

/** The TLS server that `create` makes with `options`; a promise if there are many authorities. */
export function secureServer<S extends Server>(
  options: TlsOptions,
  create: (options: TlsOptions) => S,
): S | Promise<S> {
  return inSteps(options, create, (server) => authorityAdder(contextOfServer(server)));
}

function inSteps<O extends SecureContextOptions, T>(
  options: O,
  make: (options: O) => T,
  adderOf: (made: T) => AddAuthority | null,
): T | Promise<T> {
  const bundles = ADDS_AUTHORITIES ? bundlesOf(options.ca) : null;
  const count = bundles?.reduce((sum, bundle) => sum + bundle.length, 0) ?? 0;
  if (bundles === null || count < MANY) return make(options);
  const made = make({ ...options, ca: [] });
  const add = adderOf(made);
  if (add === null) return make(options);
  return addAll(add, bundles).then(() => made);
}

/**
 * Parses each certificate twice, because `add` does not tell whether it could: 40 to 180 µs of CPU time more for each
 * (Node 26 to 20), once for a context. Without it the certificates behind a broken one would be trusted.
 */
async function addAll(add: AddAuthority, bundles: readonly string[][]): Promise<void> {
  const { X509Certificate } = nodeCrypto();
  const parses = (certificate: string): boolean => {
    try {
      new X509Certificate(certificate);
      return true;
    } catch {
      return false;
    }
  };
  let begun = performance.now();
  for (const bundle of bundles) {
    for (const certificate of bundle) {
      if (performance.now() - begun >= STEP_MS) {
        await nextTurn();
        begun = performance.now();
      }
      add(certificate);
      if (!parses(certificate)) break; // as OpenSSL, which ignores the rest of a bundle
    }
  }
}

/** The certificates of each bundle, or null if one contains anything else, or is not PEM: then Node decides. */
function bundlesOf(ca: SecureContextOptions["ca"]): string[][] | null {
  const bundles: string[][] = [];
  for (const bundle of ca === undefined ? [] : [ca].flat()) {
    const text = typeof bundle === "string" ? bundle : Buffer.from(bundle).toString("latin1");
    if (text.replace(CERTIFICATE, "").includes("-----")) return null;
    bundles.push(text.match(CERTIFICATE) ?? [""]);
  }
  return bundles;
}
