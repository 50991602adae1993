/**
 * A key for a list of values that decide about trust: equal keys mean equal values. Each value is hashed after its type
 * and its length, so that different lists are never the same input, whatever strings they contain.
 *
 * Runs on the networking thread.
 */

import type { Hash } from "node:crypto";
import { nodeCrypto } from "./secure-modules.js";

export type Part = string | Uint8Array | number | boolean | null | undefined | readonly Part[];

/** A SHA-256 of `parts`, in base64. */
export function fingerprint(...parts: Part[]): string {
  const hash = nodeCrypto().createHash("sha256");
  add(hash, parts);
  return hash.digest("base64");
}

function add(hash: Hash, part: Part): void {
  if (Array.isArray(part)) {
    hash.update(`list ${part.length} `);
    for (const each of part as Part[]) add(hash, each);
  } else if (typeof part === "string" || part instanceof Uint8Array) {
    const bytes = Buffer.from(part as string);
    hash.update(`${typeof part} ${bytes.length} `).update(bytes);
  } else {
    hash.update(`${String(part)} `);
  }
}
