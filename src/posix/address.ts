/** Addresses of sockets. Used on the calling thread. */

import { isIPv4, isIPv6 } from "node:net";
import { AF_INET, AF_INET6, type AF_UNIX, type AF_UNSPEC } from "./constants.js";

/** An IP and a port. `ip` has the form of the family. */
export interface InternetAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly ip: string;
  readonly port: number;
}

/** A Unix domain socket; the path is empty for an unnamed socket. */
export interface UnixAddress {
  readonly family: typeof AF_UNIX;
  readonly path: string;
}

/** `connect` with it undoes an earlier `connect`. */
export interface NoAddress {
  readonly family: typeof AF_UNSPEC;
}

export type SocketAddress = InternetAddress | UnixAddress;

export type Family = SocketAddress["family"];

/** The address that means all addresses of this machine. */
export function anyIp(family: Family): string {
  return family === AF_INET6 ? "::" : "0.0.0.0";
}

/**
 * An IP as the package reports it, as an address of `family`: IPv4 is mapped into IPv6 (RFC 4291, 2.5.5.2) and back.
 * The family's "any" address if that can't be done, or if `ip` is undefined.
 */
export function internetAddress(family: Family, ip: string | undefined, port: number | undefined): InternetAddress {
  const known = ip ?? "";
  if (family === AF_INET6) {
    const mapped = isIPv4(known) ? `::ffff:${known}` : known;
    return { family: AF_INET6, ip: isIPv6(mapped) ? mapped : "::", port: port ?? 0 };
  }
  const plain = known.replace(/^::ffff:/i, "");
  return { family: AF_INET, ip: isIPv4(plain) ? plain : "0.0.0.0", port: port ?? 0 };
}
