/**
 * setsockopt and getsockopt: the options by number, and their values as bytes.
 *
 * Runs on the calling thread.
 */

import {
  AF_INET6,
  AF_UNIX,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./constants.js";
import { PosixError } from "./errors.js";
import type { PosixSocket } from "./posix-socket.js";
import { defaultOptions, type SocketOptions } from "./socket-options.js";

interface Named {
  readonly key: keyof SocketOptions;
  /** Flags are set to 0 or 1. */
  readonly flag?: boolean;
  readonly streamOnly?: boolean;
  readonly min?: number;
  readonly max?: number;
}

/** By level and name. */
const NAMED: Record<number, Record<number, Named>> = {
  [SOL_SOCKET]: {
    2: { key: "reuseAddress", flag: true },
    6: { key: "broadcast", flag: true },
    7: { key: "sendBuffer", min: 0 },
    8: { key: "receiveBuffer", min: 0 },
    9: { key: "keepAlive", flag: true },
    15: { key: "reusePort", flag: true },
  },
  [IPPROTO_TCP]: {
    1: { key: "noDelay", flag: true, streamOnly: true },
    4: { key: "keepIdle", streamOnly: true, min: 1, max: 32767 },
    5: { key: "keepInterval", streamOnly: true, min: 1, max: 32767 },
    6: { key: "keepCount", streamOnly: true, min: 1, max: 127 },
  },
  [IPPROTO_IP]: {
    2: { key: "hops", min: 1, max: 255 },
    33: { key: "multicastHops", min: 0, max: 255 },
    34: { key: "multicastLoopback", flag: true },
  },
  [IPPROTO_IPV6]: {
    16: { key: "hops", min: 1, max: 255 },
    18: { key: "multicastHops", min: 0, max: 255 },
    19: { key: "multicastLoopback", flag: true },
    26: { key: "ipv6Only", flag: true },
  },
};

const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_DONTROUTE = 5;
const SO_OOBINLINE = 10;
const SO_LINGER = 13;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
/** SO_RCVTIMEO and SO_SNDTIMEO, for a time_t of 32 bits and of 64. */
const RECEIVE_TIMEOUTS = [20, 66];
const SEND_TIMEOUTS = [21, 67];
const IP_TOS = 1;
const IP_MULTICAST_IF = 32;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const TCP_MAXSEG = 2;

/** Options that are accepted and have no effect: hints, and settings that are the default here. */
function doesNothing(level: number, name: number): boolean {
  return (
    (level === SOL_SOCKET && (name === SO_DONTROUTE || name === SO_OOBINLINE)) ||
    (level === IPPROTO_IP && name === IP_TOS)
  );
}

/** setsockopt. Throws `ENOPROTOOPT` for an unknown option, `EINVAL` for a value that is too short or not allowed. */
export function setOption(socket: PosixSocket, level: number, name: number, value: Uint8Array): void {
  if (level === SOL_SOCKET && (RECEIVE_TIMEOUTS.includes(name) || SEND_TIMEOUTS.includes(name))) {
    const ms = readTime(value);
    if (RECEIVE_TIMEOUTS.includes(name)) socket.receiveTimeout = ms;
    else socket.sendTimeout = ms;
    return;
  }
  if (level === SOL_SOCKET && name === SO_LINGER) {
    socket.options.lingerOn = readInt(value, 0) === 0 ? 0 : 1;
    socket.options.lingerTime = Math.max(readInt(value, 4), 0);
    return;
  }
  if (level === IPPROTO_IP && setMulticast(socket, name, value)) return;
  if (doesNothing(level, name)) {
    readInt(value, 0);
    return;
  }
  const option = optionOf(socket, level, name);
  // One byte is enough for the options of IP.
  const short = level === IPPROTO_IP && value.length >= 1 && value.length < 4;
  let wanted = short ? (value[0] as number) : readInt(value, 0);
  if (option.flag === true) wanted = wanted === 0 ? 0 : 1;
  else if (wanted === -1 && level !== SOL_SOCKET) wanted = defaultOptions()[option.key];
  if (wanted < (option.min ?? 0) || wanted > (option.max ?? 0x7fffffff)) throw new PosixError("EINVAL");
  const before = socket.options[option.key];
  socket.options[option.key] = wanted;
  try {
    socket.applyOption(option.key);
  } catch (error) {
    socket.options[option.key] = before;
    throw error;
  }
}

/**
 * getsockopt: returns the bytes of the value. `room` is the size of the program's buffer, which decides the format of
 * times. `errno` returns the number of an errno name, for SO_ERROR. Throws `ENOPROTOOPT` for an unknown option.
 */
export function getOption(
  socket: PosixSocket,
  level: number,
  name: number,
  room: number,
  errno: (code: string) => number,
): Uint8Array {
  if (level === SOL_SOCKET) {
    if (RECEIVE_TIMEOUTS.includes(name)) return writeTime(socket.receiveTimeout, room);
    if (SEND_TIMEOUTS.includes(name)) return writeTime(socket.sendTimeout, room);
    if (name === SO_LINGER) return ints(socket.options.lingerOn, socket.options.lingerTime);
    if (name === SO_ERROR) {
      const error = socket.takeError();
      return ints(error === null ? 0 : errno(error));
    }
    if (name === SO_TYPE) return ints(socket.type);
    if (name === SO_DOMAIN) return ints(socket.family);
    if (name === SO_PROTOCOL) return ints(protocolOf(socket));
    if (name === SO_ACCEPTCONN) return ints(socket.listening ? 1 : 0);
  }
  if (doesNothing(level, name)) return ints(0);
  if (level === IPPROTO_TCP && name === TCP_MAXSEG && socket.type === SOCK_STREAM) return ints(1448);
  return ints(socket.options[optionOf(socket, level, name).key]);
}

/** Applies the IPv4 options for a group or an interface; returns whether `name` is one. */
function setMulticast(socket: PosixSocket, name: number, value: Uint8Array): boolean {
  const isMembership = name === IP_ADD_MEMBERSHIP || name === IP_DROP_MEMBERSHIP;
  if (!isMembership && name !== IP_MULTICAST_IF) return false;
  if (value.length < (isMembership ? 8 : 4)) throw new PosixError("EINVAL");
  const first = value.subarray(0, 4).join(".");
  if (!isMembership) {
    // A `struct ip_mreqn` has the group before the interface.
    socket.setMulticastInterface(value.length >= 8 ? value.subarray(4, 8).join(".") : first);
    return true;
  }
  const own = value.subarray(4, 8).join(".");
  socket.setMembership(name === IP_ADD_MEMBERSHIP, first, own === "0.0.0.0" ? undefined : own);
  return true;
}

function optionOf(socket: PosixSocket, level: number, name: number): Named {
  const option = NAMED[level]?.[name];
  const known = option !== undefined && (option.streamOnly !== true || socket.type === SOCK_STREAM);
  const ofFamily =
    level === SOL_SOCKET || (level === IPPROTO_IPV6 ? socket.family === AF_INET6 : socket.family !== AF_UNIX);
  if (!known || !ofFamily) throw new PosixError("ENOPROTOOPT");
  return option;
}

function protocolOf(socket: PosixSocket): number {
  if (socket.family === AF_UNIX) return 0;
  return socket.type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

function viewOf(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}

function readInt(value: Uint8Array, offset: number): number {
  if (value.length < offset + 4) throw new PosixError("EINVAL");
  return viewOf(value).getInt32(offset, true);
}

/** A `struct timeval` in ms: two words, or 64 bits for the seconds. */
function readTime(value: Uint8Array): number {
  const long = value.length >= 16;
  const seconds = long ? Number(viewOf(value).getBigInt64(0, true)) : readInt(value, 0);
  const microseconds = readInt(value, long ? 8 : 4);
  if (microseconds < 0 || microseconds >= 1e6) throw new PosixError("EDOM");
  return seconds < 0 ? 0 : seconds * 1000 + microseconds / 1000;
}

function writeTime(ms: number, room: number): Uint8Array {
  const seconds = Math.trunc(ms / 1000);
  const microseconds = Math.round((ms - seconds * 1000) * 1000);
  return room >= 16 ? ints(seconds, 0, microseconds, 0) : ints(seconds, microseconds);
}

function ints(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, i) => {
    viewOf(bytes).setInt32(i * 4, value, true);
  });
  return bytes;
}
