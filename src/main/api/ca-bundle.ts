/**
 * The CA bundle that the `net` facade verifies TLS peers against: the one that was set, or else the system's.
 *
 * Runs on the calling thread.
 */

import { existsSync } from "node:fs";
import * as check from "./arguments.js";

const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let chosen: string | null = null;

/** The path that was set, or else the first of the system's bundles that exists, or else null. */
export function caBundlePath(): string | null {
  return chosen ?? SYSTEM_BUNDLES.find((path) => existsSync(path)) ?? null;
}

/** Sets the bundle for later TLS connections of the `net` facade. It is read when one is opened. */
export function setCaBundlePath(path: string): void {
  chosen = check.text("path", path);
}
