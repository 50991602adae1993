/**
 * Gives an accepted socket what only sockets one makes oneself can have: `onread`, a buffer that the kernel reads into.
 *
 * Runs on the networking thread. The only file that touches a private part of Node: `socket._handle`, the libuv handle,
 * which `new net.Socket({ handle })` takes over. Where that is missing, or RINGNET_PUBLIC_ONLY is set, the accepted
 * socket is used as it is, with 'data' events.
 */

import { Socket } from "node:net";

type OnRead = { buffer: () => Uint8Array; callback: (count: number) => boolean };

/**
 * The socket to use in place of `accepted` (which was made with `pauseOnConnect`), and whether it reads by `onread`.
 */
export function withOnread(accepted: Socket, onread: OnRead): { socket: Socket; direct: boolean } {
  const holder = accepted as unknown as { _handle?: { readStart?: unknown; useUserBuffer?: unknown } | null };
  const handle = holder._handle;
  const usable =
    typeof handle?.readStart === "function" &&
    typeof handle.useUserBuffer === "function" &&
    process.env.RINGNET_PUBLIC_ONLY === undefined;
  if (!usable) return { socket: accepted, direct: false };
  holder._handle = null;
  // `handle` and `onread` together are not in Node's documentation of this constructor.
  const options = { handle, onread, allowHalfOpen: true } as unknown as ConstructorParameters<typeof Socket>[0];
  return { socket: new Socket(options), direct: true };
}
