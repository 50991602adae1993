/**
 * Reads files of CA certificates: without blocking, up to a size limit, and again only when the file has changed.
 *
 * Runs on the networking thread, where a synchronous read of a slow file would stop every connection.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { fingerprint } from "./fingerprint.js";
import { withRegularFile } from "./regular-file.js";
import { nodeCrypto } from "./secure-modules.js";

/** The largest bundle, in bytes: the system's have some 250 KB. */
const MAX_BYTES = 16 * 1024 * 1024;
/** The most files whose text is kept. */
const KEPT = 16;
/** How long to parse certificates in one turn of the event loop, in ms. */
const STEP_MS = 1;

/** A file's certificates, and the identity by which a change is noticed. */
export interface CaFile {
  readonly identity: string;
  readonly text: string;
}

export class CaFiles {
  readonly #kept = new Map<string, CaFile>();
  readonly #loading = new Map<string, Promise<CaFile>>();

  /**
   * The certificates in the file at `path`. Rejects with an error that names the file if it can't be read, is not a
   * regular file, is too large, or contains something that is not a certificate.
   */
  load(path: string): Promise<CaFile> {
    let loading = this.#loading.get(path);
    if (loading === undefined) {
      loading = this.#load(path).finally(() => this.#loading.delete(path));
      this.#loading.set(path, loading);
    }
    return loading;
  }

  async #load(path: string): Promise<CaFile> {
    try {
      return await withRegularFile(path, MAX_BYTES, async (file) => {
        const known = this.#kept.get(path);
        if (known !== undefined && known.identity === file.identity) return known;
        const text = await file.text();
        await check(text);
        const loaded = { identity: file.identity ?? fingerprint(text), text };
        this.#kept.delete(path);
        this.#kept.set(path, loaded);
        if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
        return loaded;
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw Object.assign(new Error(`the CA bundle ${path} can't be used: ${message}`), {
        code: code ?? "ERR_CA_BUNDLE",
      });
    }
  }
}

/**
 * A certificate that starts on a line of its own, and what follows it on its last line. OpenSSL skips others, for
 * example behind a comment sign.
 */
const CERTIFICATE =
  /(?<![^\n])(-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*(?:-----END (?:TRUSTED )?CERTIFICATE-----)?)([^\n]*)/g;

/**
 * OpenSSL silently skips what it can't parse. If nothing is left of a bundle, it trusts no peer, or worse, so each
 * certificate is checked.
 */
async function check(text: string): Promise<void> {
  const certificates = [...text.matchAll(CERTIFICATE)];
  if (certificates.length === 0) throw new Error("it contains no PEM certificate");
  const { X509Certificate } = nodeCrypto();
  let begun = performance.now();
  for (const [index, [, certificate, behind]] of certificates.entries()) {
    if (performance.now() - begun >= STEP_MS) {
      await nextTurn();
      begun = performance.now();
    }
    try {
      new X509Certificate(certificate as string);
      if ((behind as string).trim() !== "") throw new Error("its last line contains something else");
    } catch (error) {
      throw new Error(`its certificate number ${index + 1} can't be parsed (${(error as Error).message})`);
    }
  }
}
