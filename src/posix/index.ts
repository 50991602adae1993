/**
 * BSD sockets on top of the public API, for programs written for them: the calls behave as the system's, with errno
 * names.
 *
 * There is no descriptor table: programs that use descriptors already have one (emscripten's file system, for example).
 * They close a socket when its last descriptor is closed.
 *
 * Runs on the calling thread.
 */

import type { Family } from "./address.js";
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM } from "./constants.js";
import { DatagramSocket } from "./datagram-socket.js";
import { PosixError } from "./errors.js";
import type { PosixSocket } from "./posix-socket.js";
import { StreamSocket } from "./stream-socket.js";

export {
  anyIp,
  type InternetAddress,
  internetAddress,
  type NoAddress,
  type SocketAddress,
  type UnixAddress,
} from "./address.js";
export * from "./constants.js";
export { resetEarlyClients } from "./early-clients.js";
export { errnoOf, PosixError } from "./errors.js";
export * from "./names.js";
export { getOption, setOption } from "./option-calls.js";
export { type Polled, poll, type Selected, select } from "./polling.js";
export type { Pollable, PosixSocket, Received } from "./posix-socket.js";

/** socket(2), without the flags in `type`. Throws a `PosixError`: `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EPROTOTYPE`. */
export function createSocket(family: number, type: number, protocol = 0): PosixSocket {
  if (family !== AF_INET && family !== AF_INET6 && family !== AF_UNIX) throw new PosixError("EAFNOSUPPORT");
  if (type !== SOCK_STREAM && type !== SOCK_DGRAM) throw new PosixError("EPROTONOSUPPORT");
  const own = family === AF_UNIX ? 0 : type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol !== 0 && protocol !== own) throw new PosixError("EPROTONOSUPPORT");
  return type === SOCK_STREAM ? new StreamSocket(family as Family) : new DatagramSocket(family as Family);
}
