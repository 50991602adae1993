/**
 * The headers that a program sets on an `XMLHttpRequest`.
 *
 * Runs on the calling thread.
 */

import { refused } from "./exceptions.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN_IN_VALUE = /[\0\r\n\u0100-\uffff]/;
/** Headers of the Fetch Standard's list that would break the framing or the connection. */
const FORBIDDEN = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

export class RequestHeaders {
  /** By lower-case name: the name as it was first given, and the joined values. */
  readonly #values = new Map<string, [name: string, value: string]>();

  /** Throws a `SyntaxError` for names and values that HTTP can't carry; ignores forbidden names. */
  add(name: string, value: string): void {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (!TOKEN.test(name))
      throw refused("SyntaxError", `the name of a header must be a token, not ${JSON.stringify(name)}`);
    if (FORBIDDEN_IN_VALUE.test(text))
      throw refused("SyntaxError", `header ${name} has a character that HTTP can't carry`);
    const key = name.toLowerCase();
    if (FORBIDDEN.has(key)) return;
    const before = this.#values.get(key);
    this.#values.set(key, before === undefined ? [name, text] : [before[0], `${before[1]}, ${text}`]);
  }

  /** The pairs to send. A string is sent as UTF-8, so another charset is corrected, as the standard requires. */
  forBody(body: unknown): [string, string][] {
    const type = this.#values.get("content-type");
    if (type !== undefined && typeof body === "string") {
      const right = type[1].replace(/(;\s*charset=)("[^"]*"|[^;\s]*)/i, (all, head: string, charset: string) =>
        /^"?utf-8"?$/i.test(charset) ? all : `${head}UTF-8`,
      );
      this.#values.set("content-type", [type[0], right]);
    }
    return [...this.#values.values()];
  }
}
