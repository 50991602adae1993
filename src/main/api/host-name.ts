/**
 * Host names in ASCII, as they are looked up, and IPs.
 *
 * Used on the calling thread.
 */

import { isIP, isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import * as check from "./arguments.js";
import { NetError } from "./net-error.js";

const ASCII = /^[\0-\x7f]*$/;
/** The characters allowed in a name that must be encoded. `domainToASCII` would cut the name off at some others. */
const ENCODABLE = /^[a-z0-9._\-\u0080-\u{10ffff}]*$/iu;

/**
 * The name or IP in ASCII: ASCII is returned unchanged, anything else is encoded (IDNA, RFC 5891, as in browsers: UTS
 * 46). Throws a `TypeError` or `RangeError` as `check.text`, and a `NetError` with code `ENOTFOUND` if it can't be
 * encoded.
 */
export function hostName(name: string, value: unknown): string {
  const text = check.text(name, value);
  if (ASCII.test(text)) return text;
  const encoded = ENCODABLE.test(text) ? domainToASCII(text) : "";
  // Digits of other scripts can encode to an IP; such a name is refused.
  if (encoded !== "" && ipFamily(encoded) === 0) return encoded;
  throw new NetError({
    code: "ENOTFOUND",
    syscall: "getaddrinfo",
    message: `getaddrinfo ENOTFOUND: ${name} must be a host name, not ${JSON.stringify(text.slice(0, 60))}, which has no form in ASCII (IDNA)`,
  });
}

/**
 * 4 or 6 for an IP, 0 for a name. The same result as `isIP`, which takes milliseconds for the first name: Node compiles a long regular
 * expression for IPv6. A name has no colon.
 */
export function ipFamily(host: string): number {
  if (host.includes(":")) return isIP(host);
  return isIPv4(host) ? 4 : 0;
}
