/**
 * Loops around the non-blocking calls, each with a time limit. Tests of the blocking calls don't use them.
 */

import { connect, NetError, type TcpServer, type TcpSocket } from "ringnet";
import { expect } from "vitest";
import type { Peer } from "../support/peers.js";

type ConnectOptions = Parameters<typeof connect>[0];

/** A connection to a peer, established. */
export function openTo({ host, port }: Pick<Peer, "host" | "port">, options: Partial<ConnectOptions> = {}): TcpSocket {
  return connect({ host, port, timeout: 5000, ...options } as ConnectOptions);
}

/** The next client of a server. */
export function acceptFrom(server: TcpServer): TcpSocket {
  expect(server.waitUntilAcceptable(10_000)).toBeTruthy();
  const client = server.accept();
  expect(client).not.toBeNull();
  return client as TcpSocket;
}

/** Exactly `count` bytes. */
export function readBytes(socket: TcpSocket, count: number, timeout = 10_000): Buffer {
  const bytes = Buffer.alloc(count);
  const deadline = performance.now() + timeout;
  for (let at = 0; at < count; ) {
    const got = socket.readInto(bytes.subarray(at));
    if (got === null) throw new Error(`the stream ended after ${at} of ${count} bytes`);
    at += got;
    if (got === 0) {
      if (performance.now() > deadline) throw new Error(`only ${at} of ${count} bytes in ${timeout} ms`);
      socket.waitUntilReadable(100);
    }
  }
  return bytes;
}

/** All bytes up to the end of the stream, or up to its error. */
export function readToEnd(socket: TcpSocket, timeout = 10_000): { bytes: Buffer; error: NetError | null } {
  const pieces: Buffer[] = [];
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    let piece: Buffer | null;
    try {
      piece = socket.read();
    } catch (error) {
      expect(error).toBeInstanceOf(NetError);
      return { bytes: Buffer.concat(pieces), error: error as NetError };
    }
    if (piece === null) return { bytes: Buffer.concat(pieces), error: null };
    pieces.push(piece);
    if (piece.length === 0) socket.waitUntilReadable(100);
  }
  throw new Error(`no end within ${timeout} ms, after ${Buffer.concat(pieces).length} bytes`);
}

/** Writes all of `data`, as there is room. */
export function writeBytes(socket: TcpSocket, data: Uint8Array, timeout = 10_000): void {
  const deadline = performance.now() + timeout;
  for (let at = 0; at < data.length; ) {
    at += socket.write(data.subarray(at));
    if (at === data.length) return;
    if (performance.now() > deadline) throw new Error(`only ${at} of ${data.length} bytes taken in ${timeout} ms`);
    socket.waitUntilWritable(100);
  }
}

/** Writes until no more is taken for 300 ms; how many bytes that was. */
export function fill(socket: TcpSocket, most = 256 << 20): number {
  const piece = Buffer.alloc(1 << 16, 120);
  let taken = 0;
  while (taken < most && socket.waitUntilWritable(300)) taken += socket.write(piece);
  return taken;
}

/** The `NetError` that `call` throws. */
export function errorOf(call: () => unknown): NetError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(NetError);
    return error as NetError;
  }
  throw new Error("nothing was thrown");
}
