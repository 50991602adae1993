/**
 * `ip-address` and `ip-socket-address`, and the text that the package's calls use.
 *
 * Used on the calling thread.
 */

import { networkInterfaces } from "node:os";

export type IpAddressFamily = "ipv4" | "ipv6";
export type Ipv4Address = [number, number, number, number];
export type Ipv6Address = [number, number, number, number, number, number, number, number];
export type IpAddress = { tag: "ipv4"; val: Ipv4Address } | { tag: "ipv6"; val: Ipv6Address };
export type IpSocketAddress =
  | { tag: "ipv4"; val: { port: number; address: Ipv4Address } }
  | { tag: "ipv6"; val: { port: number; flowInfo: number; address: Ipv6Address; scopeId: number } };

/** The parts of an address with a port that decide where it leads. */
export interface Endpoint {
  ip: string;
  port: number;
}

export function endpointOf(address: IpSocketAddress): Endpoint {
  const { port } = address.val;
  if (address.tag === "ipv4") return { ip: address.val.address.join("."), port };
  const ip = address.val.address.map((group) => group.toString(16)).join(":");
  return { ip: ip + zoneOf(address.val.scopeId), port };
}

export function socketAddressOf(ip: string, port: number, family: IpAddressFamily): IpSocketAddress {
  if (family === "ipv4") return { tag: "ipv4", val: { port, address: ipv4Of(ip) } };
  const [literal = "", zone] = ip.split("%");
  return { tag: "ipv6", val: { port, flowInfo: 0, address: ipv6Of(literal), scopeId: scopeOf(zone) } };
}

export function ipAddressOf(ip: string): IpAddress {
  return ip.includes(":") ? { tag: "ipv6", val: ipv6Of(ip.split("%")[0] as string) } : { tag: "ipv4", val: ipv4Of(ip) };
}

/** Whether a socket of `family` can use the address: IPv4 mapped into IPv6 is refused, as the WIT demands. */
export function isOfFamily({ tag, val }: IpSocketAddress, family: IpAddressFamily): boolean {
  return tag === family && !isMapped(val.address);
}

/** Whether a socket of `family` can send to the address. */
export function isDestination(address: IpSocketAddress, family: IpAddressFamily): boolean {
  return isOfFamily(address, family) && address.val.port !== 0 && address.val.address.some((part) => part !== 0);
}

/** Multicast, or IPv4's broadcast address. */
export function isMulticast({ tag, val: { address } }: IpSocketAddress): boolean {
  if (tag === "ipv6") return address[0] >> 8 === 0xff;
  return (address[0] >= 224 && address[0] < 240) || address.every((part) => part === 255);
}

export function sameAddress(a: IpSocketAddress, b: IpSocketAddress): boolean {
  return (
    a.tag === b.tag &&
    a.val.port === b.val.port &&
    (a.val.address as number[]).every((part, i) => part === b.val.address[i]) &&
    (a.tag === "ipv4" || a.val.scopeId === (b as typeof a).val.scopeId)
  );
}

/** Whether it is IPv4, mapped into IPv6. */
export function isMapped(address: readonly number[]): boolean {
  return address.length === 8 && address.slice(0, 5).every((group) => group === 0) && address[5] === 0xffff;
}

function ipv4Of(ip: string): Ipv4Address {
  return ip.split(".").map(Number) as Ipv4Address;
}

/** `ip` is a valid literal without a zone. */
function ipv6Of(ip: string): Ipv6Address {
  const [head = "", tail] = ip.split("::");
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...zeros, ...back] as Ipv6Address;
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = ipv4Of(group);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The zone of a link-local address: the name of the interface with this number. Empty if there is none. */
function zoneOf(scopeId: number): string {
  if (scopeId === 0) return "";
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((each) => each.family === "IPv6" && each.scopeid === scopeId)) return `%${name}`;
  }
  return "";
}

function scopeOf(zone: string | undefined): number {
  if (zone === undefined) return 0;
  for (const each of networkInterfaces()[zone] ?? []) {
    if (each.family === "IPv6" && each.scopeid !== 0) return each.scopeid;
  }
  return 0;
}
