/** Sockets of src/posix for tests, which close at the end of each. */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createSocket,
  errnoOf,
  type InternetAddress,
  type PosixSocket,
  SOCK_STREAM,
  type SocketAddress,
} from "ringnet/posix";
import { afterEach } from "vitest";

const open: PosixSocket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** A new socket; blocking calls give up after 10 s. */
export function newSocket(family: number = AF_INET, type: number = SOCK_STREAM): PosixSocket {
  return closedLater(createSocket(family, type));
}

export function closedLater(socket: PosixSocket): PosixSocket {
  socket.receiveTimeout = 10_000;
  socket.sendTimeout = 10_000;
  open.push(socket);
  return socket;
}

export const loopback = (port: number): InternetAddress => ({ family: AF_INET, ip: "127.0.0.1", port });
export const loopback6 = (port: number): InternetAddress => ({ family: AF_INET6, ip: "::1", port });
export const unix = (path: string): SocketAddress => ({ family: AF_UNIX, path });

/** The errno name that a call fails with, or null. */
export function failure(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return errnoOf(error);
  }
}

/** Receives at most `room` bytes as text. */
export function receiveText(socket: PosixSocket, room: number, flags = 0): string {
  const target = Buffer.alloc(room);
  const { length } = socket.receive([target], flags);
  return target.toString("latin1", 0, length);
}

export const sendText = (socket: PosixSocket, text: string): number => socket.send([Buffer.from(text)]);

/** A listening socket, a client that is connected to it, and the accepted end. */
export function connectedPair(
  family: number,
  address: SocketAddress,
): [server: PosixSocket, client: PosixSocket, accepted: PosixSocket] {
  const server = newSocket(family);
  server.bind(address);
  server.listen(5);
  const client = newSocket(family);
  client.connect(server.localAddress());
  return [server, client, closedLater(server.accept())];
}
