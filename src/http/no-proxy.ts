/**
 * The servers that `no_proxy` excepts, by curl's rules.
 *
 * Runs on the calling thread.
 */

import { BlockList, isIPv4, isIPv6 } from "node:net";
import { bareHost } from "./route.js";

/** An IPv6 address before a port has brackets. */
const WITH_PORT = /^(\[[^\]]*\](?:\/\d+)?|[^:]*):(\d+)$/;

/**
 * Whether `list`, such as "localhost, example.com, 10.0.0.0/8", contains the server of `url`. A name also stands for all
 * names below it, with or without a dot in front; `*` for every server. Beyond curl's rules, an entry may have a port,
 * and a name may begin with `*.`.
 */
export function isExcepted(url: URL, list: string): boolean {
  const host = withoutLastDot(bareHost(url));
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => contains(entry, host, port));
}

function contains(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const { 1: named = entry, 2: portText } = WITH_PORT.exec(entry) ?? [];
  if (portText !== undefined && Number(portText) !== port) return false;
  const place = named.replace(/^\[([^\]]*)\]/, "$1");
  // `isIP` of a name would take milliseconds, the first time.
  if (host.includes(":")) return isInNetwork(place, host, isIPv6, "ipv6", 128);
  if (isIPv4(host)) return isInNetwork(place, host, isIPv4, "ipv4", 32);
  const name = withoutLastDot(place.replace(/^\*?\./, ""));
  return host === name || (name !== "" && host.endsWith(`.${name}`));
}

/** `place`: an address, or a network such as 10.0.0.0/8. */
function isInNetwork(
  place: string,
  host: string,
  isAddress: (text: string) => boolean,
  family: "ipv4" | "ipv6",
  longest: number,
): boolean {
  const [address = "", bits = `${longest}`, ...more] = place.split("/");
  if (!isAddress(address) || !/^\d{1,3}$/.test(bits) || Number(bits) > longest || more.length > 0) return false;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), family);
  return network.check(host, family);
}

function withoutLastDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
