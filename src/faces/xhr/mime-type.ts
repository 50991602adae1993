/**
 * The type and charset of a response's body, from `overrideMimeType` or else from its header.
 *
 * Runs on the calling thread.
 */

const CHARSET = /;\s*charset=\s*(?:"([^"]*)"|([^;\s]*))/i;
const TYPE = /^\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+\s*(?:;|$)/;

/** A label for `TextDecoder`; `utf-8` unless a valid one is given. */
export function finalCharset(header: string | null, override: string | null): string {
  for (const type of [override, header]) {
    const match = CHARSET.exec(type ?? "");
    const label = match?.[1] ?? match?.[2];
    if (label !== undefined && isKnown(label)) return label;
  }
  return "utf-8";
}

/** The type of a `Blob`: `text/xml` if there is none, `application/octet-stream` if the override is invalid. */
export function finalType(header: string | null, override: string | null): string {
  if (override !== null) return TYPE.test(override) ? override : "application/octet-stream";
  return header !== null && TYPE.test(header) ? header : "text/xml";
}

function isKnown(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}
