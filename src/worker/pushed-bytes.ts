/**
 * Reading from sockets that take no `onread` buffer: accepted TLS connections, and all accepted ones if only public API is used.
 *
 * Runs on the networking thread. Node gives each piece to the socket's `push`, which keeps it in the stream's own buffer while the
 * stream is paused; `destroy` drops that buffer, and with it bytes that had arrived before a reset. So `push` is replaced: pieces go
 * to the receiver at once, and wait there while the ring has no room.
 */

import type { Socket } from "node:net";
import type { Receiver } from "./receiver.js";

/** Gives `receiver` the stream's buffered bytes, and from then on everything that is pushed. Starts reading. */
export function takePushed(socket: Socket, receiver: Receiver): void {
  const { push } = socket;
  // The stream itself calls `_read` to have Node read; it does nothing while Node reads already.
  receiver.resume = () => socket._read(0);
  let room = true;
  for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) room = receiver.chunk(bytes);
  socket.push = (bytes: Buffer | null): boolean => (bytes === null ? push.call(socket, null) : receiver.chunk(bytes));
  if (room) receiver.resume();
}

/** What a socket had received when it was destroyed, and why it was. */
export interface Remains {
  readonly pieces: readonly Buffer[];
  readonly error: Error;
}

/** Until `keepRemains` is undone by a call of what it returns, the stream's buffered bytes are kept when an error destroys the socket. */
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

/** Undoes `takePushed`: bytes that Node reads go into the stream's buffer again. */
export function releasePushed(socket: Socket): void {
  delete (socket as Partial<Socket>).push; // uncovers the prototype's
}
