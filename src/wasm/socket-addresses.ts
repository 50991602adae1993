/**
 * The structs sockaddr_in, sockaddr_in6 and sockaddr_un of musl, as bytes.
 *
 * Used on the calling thread.
 */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  type NoAddress,
  PosixError,
  type SocketAddress,
} from "../posix/index.js";

const IN_BYTES = 16;
const IN6_BYTES = 28;
/** `sun_path`, without the NUL. */
const MAX_PATH_BYTES = 107;

/**
 * Throws a `PosixError`: `EINVAL` for too few bytes, `EAFNOSUPPORT` for another family, `ENAMETOOLONG`, `ENOENT` for an
 * empty path.
 */
export function decodeAddress(bytes: Uint8Array): SocketAddress | NoAddress {
  if (bytes.length < 2) throw new PosixError("EINVAL");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const family = view.getUint16(0, true);
  if (family === AF_UNSPEC) return { family };
  if (family === AF_INET) {
    if (bytes.length < IN_BYTES) throw new PosixError("EINVAL");
    return { family, ip: bytes.subarray(4, 8).join("."), port: view.getUint16(2) };
  }
  if (family === AF_INET6) {
    if (bytes.length < IN6_BYTES) throw new PosixError("EINVAL");
    return { family, ip: ipv6Text(bytes.subarray(8, 24)), port: view.getUint16(2) };
  }
  if (family === AF_UNIX) return { family, path: pathOf(bytes.subarray(2)) };
  throw new PosixError("EAFNOSUPPORT");
}

function pathOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const path = bytes.subarray(0, end < 0 ? bytes.length : end);
  // An abstract address begins with a NUL. These are not supported.
  if (path.length === 0) throw new PosixError(bytes.length > 1 ? "EINVAL" : "ENOENT");
  if (path.length > MAX_PATH_BYTES) throw new PosixError("ENAMETOOLONG");
  const text = Buffer.from(path).toString();
  if (text.includes("\u{fffd}")) throw new PosixError("EINVAL", "the path is not UTF-8");
  return text;
}

export function encodeAddress(address: SocketAddress): Uint8Array {
  if (address.family === AF_UNIX) {
    const path = Buffer.from(address.path);
    const bytes = new Uint8Array(2 + (path.length > 0 ? path.length + 1 : 0));
    bytes[0] = AF_UNIX;
    bytes.set(path, 2);
    return bytes;
  }
  const six = address.family === AF_INET6;
  const bytes = new Uint8Array(six ? IN6_BYTES : IN_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family, true);
  view.setUint16(2, address.port);
  bytes.set(ipBytes(address.ip), six ? 8 : 4);
  return bytes;
}

/** The 4 or 16 bytes of a valid IP. */
export function ipBytes(ip: string): Uint8Array {
  if (!ip.includes(":")) return Uint8Array.from(ip.split("."), Number);
  const plain = (ip.split("%")[0] as string).replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const [a, b, c, d] = tail.split(".").map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head, tail] = plain.split("::").map((part) => (part === "" ? [] : part.split(":"))) as [string[], string[]?];
  const zeros = new Array(8 - head.length - (tail?.length ?? 0)).fill("0");
  const groups = tail === undefined ? head : [...head, ...zeros, ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** In the form of RFC 5952: the longest run of zeros is written as "::", IPv4 in IPv6 with dots. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  let [start, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}
