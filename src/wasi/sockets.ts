/**
 * `wasi:sockets`, for `--map 'wasi:sockets/*=ringnet/wasi/sockets#*'`.
 *
 * Runs on the calling thread.
 */

import { networkErrorCode } from "./error-codes.js";
import { ResolveAddressStream, resolveAddresses } from "./ip-name-lookup.js";
import { Network } from "./network.js";
import { createTcpSocket, TcpSocket } from "./tcp.js";
import { createUdpSocket, IncomingDatagramStream, OutgoingDatagramStream, UdpSocket } from "./udp.js";

/** The codes of `wasi:sockets/network`. (Written so because of the bundler of declarations, as in io.ts.) */
export type ErrorCode = import("./error-codes.js").ErrorCode;
export type { IpAddress, IpAddressFamily, IpSocketAddress } from "./ip-addresses.js";
export type { ShutdownType } from "./tcp-streams.js";
export type { IncomingDatagram, OutgoingDatagram } from "./udp.js";

/** `wasi:sockets/network`. */
export const network = { Network, networkErrorCode };

/** `wasi:sockets/ip-name-lookup`. */
export const ipNameLookup = { ResolveAddressStream, resolveAddresses };

/** `wasi:sockets/tcp`. */
export const tcp = { TcpSocket };

/** `wasi:sockets/tcp-create-socket`. */
export const tcpCreateSocket = { createTcpSocket };

/** `wasi:sockets/udp`. */
export const udp = { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream };

/** `wasi:sockets/udp-create-socket`. */
export const udpCreateSocket = { createUdpSocket };

const open = new Network(true);

/** `wasi:sockets/instance-network`. */
export const instanceNetwork = { instanceNetwork: (): Network => open };

/**
 * The interfaces with a network of their own, for `WASIShim`'s option `sockets`. With `enableNetwork` false, binding and
 * connecting fail with `access-denied`, and looking up names with `permanent-resolver-failure`.
 */
export function createSockets({ enableNetwork = true }: { enableNetwork?: boolean } = {}) {
  const own = new Network(enableNetwork);
  const all = { network, ipNameLookup, tcp, tcpCreateSocket, udp, udpCreateSocket };
  return { ...all, instanceNetwork: { instanceNetwork: (): Network => own } };
}
