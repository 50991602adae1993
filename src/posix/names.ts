/**
 * getaddrinfo and getnameinfo.
 *
 * Runs on the calling thread.
 */

import { isIP, isIPv4 } from "node:net";
import { NetError, resolve, reverse } from "../main/index.js";
import { anyIp, type InternetAddress } from "./address.js";
import { AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM } from "./constants.js";
import { SERVICES } from "./services.js";

export const AI_PASSIVE = 0x1;
export const AI_CANONNAME = 0x2;
export const AI_NUMERICHOST = 0x4;
export const AI_V4MAPPED = 0x8;
export const AI_NUMERICSERV = 0x400;

export const NI_NUMERICHOST = 0x1;
export const NI_NUMERICSERV = 0x2;
export const NI_NAMEREQD = 0x8;
export const NI_DGRAM = 0x10;

/** Values of getaddrinfo, as in musl. */
export const EAI = {
  EAI_BADFLAGS: -1,
  EAI_NONAME: -2,
  EAI_AGAIN: -3,
  EAI_FAIL: -4,
  EAI_FAMILY: -6,
  EAI_SOCKTYPE: -7,
  EAI_SERVICE: -8,
  EAI_MEMORY: -10,
  EAI_OVERFLOW: -12,
} as const;

/** A look-up failed. */
export class NameError extends Error {
  readonly code: keyof typeof EAI;

  constructor(code: keyof typeof EAI) {
    super(code);
    this.name = "NameError";
    this.code = code;
  }
}

export interface Hints {
  flags: number;
  family: number;
  type: number;
  protocol: number;
}

export interface AddressInfo {
  type: number;
  protocol: number;
  address: InternetAddress;
  /** Set on the first result, with AI_CANONNAME. */
  canonicalName: string | null;
}

const KINDS: [number, number][] = [
  [SOCK_STREAM, IPPROTO_TCP],
  [SOCK_DGRAM, IPPROTO_UDP],
];

/** Blocks for the look-up. Throws a `NameError`. */
export function getAddressInfo(node: string | null, service: string | null, hints: Hints): AddressInfo[] {
  const { flags, family, type, protocol } = hints;
  if (node === null && service === null) throw new NameError("EAI_NONAME");
  if (![AF_UNSPEC, AF_INET, AF_INET6].includes(family)) throw new NameError("EAI_FAMILY");
  const kinds = KINDS.filter(([t, p]) => (type === 0 || type === t) && (protocol === 0 || protocol === p));
  if (kinds.length === 0)
    throw new NameError(type !== 0 && !KINDS.some(([t]) => t === type) ? "EAI_SOCKTYPE" : "EAI_SERVICE");
  const port = service === null ? 0 : portOf(service, flags);
  const ips = node === null ? localIps(flags) : ipsOf(node, flags);
  const wanted = ips.flatMap((ip): InternetAddress[] => {
    if (!isIPv4(ip)) return family === AF_INET ? [] : [{ family: AF_INET6, ip, port }];
    if (family !== AF_INET6) return [{ family: AF_INET, ip, port }];
    return (flags & AI_V4MAPPED) === 0 ? [] : [{ family: AF_INET6, ip: `::ffff:${ip}`, port }];
  });
  if (wanted.length === 0) throw new NameError("EAI_NONAME");
  return wanted.flatMap((address, i) =>
    kinds.map(([t, p], k) => ({
      type: t,
      protocol: p,
      address,
      canonicalName: i === 0 && k === 0 && (flags & AI_CANONNAME) !== 0 ? node : null,
    })),
  );
}

function localIps(flags: number): string[] {
  return (flags & AI_PASSIVE) !== 0 ? [anyIp(AF_INET), anyIp(AF_INET6)] : ["127.0.0.1", "::1"];
}

/** The IPs of a name in the system's order. Throws a `NameError`. */
export function ipsOf(node: string, flags = 0): readonly string[] {
  if (isIP(node) !== 0) return [node];
  if ((flags & AI_NUMERICHOST) !== 0 || node === "" || node.length > 255) throw new NameError("EAI_NONAME");
  try {
    const address = resolve(node);
    try {
      if (address.waitUntilResolved(-1) === "success") return address.ips;
      throw address.error;
    } finally {
      address.close();
    }
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    throw new NameError(error.code === "EAI_AGAIN" ? "EAI_AGAIN" : "EAI_NONAME");
  }
}

function portOf(service: string, flags: number): number {
  if (/^\d{1,5}$/.test(service) && Number(service) <= 65535) return Number(service);
  const port = (flags & AI_NUMERICSERV) === 0 ? SERVICES.get(service) : undefined;
  if (port === undefined) throw new NameError((flags & AI_NUMERICSERV) === 0 ? "EAI_SERVICE" : "EAI_NONAME");
  return port;
}

/**
 * Returns the host and the service of an address as text; the IP if it has no name. Blocks for the look-up. Throws a
 * `NameError`.
 */
export function getNameInfo(address: InternetAddress, flags: number): { host: string; service: string } {
  const { ip, port } = address;
  const named = (flags & NI_NUMERICSERV) === 0 ? [...SERVICES].find(([, each]) => each === port)?.[0] : undefined;
  return { host: (flags & NI_NUMERICHOST) === 0 ? nameOf(ip, flags) : ip, service: named ?? String(port) };
}

function nameOf(ip: string, flags: number): string {
  try {
    return reverse(ip);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    if ((flags & NI_NAMEREQD) !== 0) throw new NameError(error.code === "EAI_AGAIN" ? "EAI_AGAIN" : "EAI_NONAME");
    return ip;
  }
}
