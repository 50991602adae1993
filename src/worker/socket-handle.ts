/**
 * What Node's public API does not offer for a socket. The only file, beside gradual-context.ts, that touches a private part of Node
 * (`socket._handle`; a public way to fall back to exists for each use) or replaces a method of a socket (`destroy`, `push`).
 *
 * Runs on the networking thread. With RINGNET_PUBLIC_ONLY in the environment only the public ways are used.
 */

import { readSync } from "node:fs";
import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { READS_INTO_BUFFERS } from "./other-runtimes.js";

type OnRead = { buffer: () => Uint8Array; callback: (count: number) => boolean };

interface PrivateHandle {
  readStart?: unknown;
  useUserBuffer?: unknown;
  /** The file descriptor; -1 or missing where the system has none. */
  fd?: number;
}

function isPublicOnly(): boolean {
  return process.env.RINGNET_PUBLIC_ONLY !== undefined;
}

function handleOf(socket: Socket): PrivateHandle | null {
  if (isPublicOnly()) return null;
  return (socket as unknown as { _handle?: PrivateHandle | null })._handle ?? null;
}

/**
 * Gives an accepted socket what only sockets one makes oneself can have: `onread`, a buffer that the kernel reads into. Returns the
 * socket to use in place of `accepted` (which was made with `pauseOnConnect`), and whether it reads by `onread`; if not, bytes
 * are pushed.
 */
export function withOnread(accepted: Socket, onread: OnRead): { socket: Socket; direct: boolean } {
  const handle = READS_INTO_BUFFERS ? handleOf(accepted) : null;
  if (typeof handle?.readStart !== "function" || typeof handle.useUserBuffer !== "function") {
    return { socket: accepted, direct: false };
  }
  (accepted as unknown as { _handle: null })._handle = null;
  // `handle` and `onread` together are not in Node's documentation of this constructor.
  const options = { handle, onread, allowHalfOpen: true } as unknown as ConstructorParameters<typeof Socket>[0];
  return { socket: new Socket(options), direct: true };
}

/** The file descriptor; undefined where there is none. Deno's `fd` is a number of its own, not one that `node:fs` knows. */
function descriptorOf(socket: Socket): number | undefined {
  const descriptor = process.versions.deno === undefined ? handleOf(socket)?.fd : undefined;
  return typeof descriptor === "number" && descriptor >= 0 ? descriptor : undefined;
}

/** The socket that an accepted `secure` speaks TLS over, or null where Node does not say. */
export function socketBelow(secure: TLSSocket): Socket | null {
  return isPublicOnly() ? null : ((secure as unknown as { _parent?: Socket | null })._parent ?? null);
}

/**
 * The error behind the end of a plain TCP stream, or null where it truly is an end. When data and a reset arrive together, libuv reads the
 * data, sees the hang-up, and reports an end without reading once more (uv__stream_io, unix/stream.c); the kernel still has the
 * error for the next read. Should there be bytes after all, `take` gets them. Without the file descriptor the end is believed.
 */
export function errorBehindEnd(socket: Socket, take: (bytes: Uint8Array) => void): NodeJS.ErrnoException | null {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return null;
  try {
    const bytes = new Uint8Array(16);
    for (let count = readSync(descriptor, bytes); count > 0; count = readSync(descriptor, bytes)) {
      take(bytes.subarray(0, count));
    }
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EAGAIN" ? null : (error as NodeJS.ErrnoException);
  }
}

/**
 * The same for TLS, checked once: bytes behind the end of a TLS stream are dropped. A reset that follows a close_notify
 * before this check can't be distinguished from a reset in its place, and is an error too.
 */
export function resetBehindEnd(socket: Socket): NodeJS.ErrnoException | null {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return null;
  try {
    readSync(descriptor, new Uint8Array(1));
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EAGAIN" ? null : (error as NodeJS.ErrnoException);
  }
}

/**
 * Keeps a socket open for reading when a write is refused: Node would destroy it at once, and with it bytes that had arrived before.
 * `refused` is asked once, with the error and with what destroys the socket later; false destroys it now. `reason` gives the error to
 * destroy it with in all other cases.
 */
export function readOnAfterRefusedWrite(
  socket: Socket,
  refused: (error: Error, destroy: () => void) => boolean,
  reason: (error: Error | undefined) => Error | undefined,
): void {
  const destroy = socket.destroy;
  let readingOn = false;
  socket.destroy = (error?: NodeJS.ErrnoException): Socket => {
    const destroyNow = (): Socket => destroy.call(socket, error);
    if (error?.syscall !== "write" || readingOn || !refused(error, destroyNow))
      return destroy.call(socket, reason(error));
    readingOn = true;
    // Node emits no 'end' on a socket with an error: its end is seen where it is pushed.
    const { push } = socket;
    socket.push = (bytes: Buffer | null): boolean => {
      if (bytes !== null) return push.call(socket, bytes);
      destroyNow();
      return false;
    };
    return socket;
  };
}
