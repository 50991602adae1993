/**
 * Reads from sockets without an `onread` buffer: TLS on accepted connections, after `startTls` and through a proxy; on
 * Deno all sockets, and with RINGNET_PUBLIC_ONLY all accepted ones.
 *
 * Runs on the networking thread. Node passes each piece to the socket's `push`, which keeps it in the stream's buffer
 * while the stream is paused; `destroy` drops that buffer, and with it bytes that had arrived before a reset. So `push`
 * is replaced: pieces go to the receiver immediately, and wait there while the ring has no room.
 */

import type { Socket } from "node:net";
import type { Receiver } from "./receiver.js";

/** Passes the stream's buffered bytes to `receiver`, and from then on everything that is pushed. Starts reading. */
export function takePushed(socket: Socket, receiver: Receiver): void {
  const { push } = socket;
  // Streams call `_read` to start reading; it does nothing while Node is reading.
  receiver.resume = () => socket._read(0);
  let room = true;
  for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) room = receiver.chunk(bytes);
  socket.push = (bytes: Buffer | null): boolean => (bytes === null ? push.call(socket, null) : receiver.chunk(bytes));
  if (room) receiver.resume();
}

/** The bytes that a socket had received when it was destroyed, and the reason. */
export interface Remains {
  readonly pieces: readonly Buffer[];
  readonly error: Error;
}

/**
 * Keeps the stream's buffered bytes if an error destroys the socket. Returns a function that undoes this and returns
 * what was kept.
 */
export function keepRemains(socket: Socket): () => Remains | null {
  const { destroy } = socket;
  let remains: Remains | null = null;
  socket.destroy = (error?: Error): Socket => {
    if (error !== undefined && remains === null) {
      const pieces: Buffer[] = [];
      remains = { pieces, error };
      for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) pieces.push(bytes);
    }
    return destroy.call(socket, error);
  };
  return () => {
    delete (socket as Partial<Socket>).destroy; // uncovers the prototype's
    return remains;
  };
}

/** Undoes `takePushed`: received bytes go into the stream's buffer again. */
export function releasePushed(socket: Socket): void {
  delete (socket as Partial<Socket>).push; // uncovers the prototype's
}
