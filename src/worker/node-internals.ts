/**
 * What Node's public API does not offer. The only file of the networking thread that touches private parts of Node
 * (`socket._handle`, `socket._parent`, `context.addCACert`, `server._sharedCreds`, `net._createServerHandle`); each use has a public fallback.
 * It replaces `destroy` and `push` of a socket, as pushed-bytes.ts does.
 *
 * Runs on the networking thread. With RINGNET_PUBLIC_ONLY in the environment only the public API is used.
 */

import { readSync } from "node:fs";
import net, { isIPv6, Socket } from "node:net";
import type { SecureContext, Server, TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";
import type { BindTcpCommand } from "../ring/protocol.js";
import { BINDS_WITHOUT_LISTENING, READS_INTO_BUFFERS } from "./other-runtimes.js";

type OnRead = { buffer: () => Uint8Array; callback: (count: number) => boolean };

interface PrivateHandle {
  readStart?: unknown;
  useUserBuffer?: unknown;
  /** The file descriptor; -1 or missing if there is none. */
  fd?: number;
}

/** A socket that is bound to a port, and neither listens nor is connected. */
export interface BoundSocket {
  address(): { address: string; port: number };
  /** What `Server.listen` and the option `handle` of `Socket` take. It belongs to them then. */
  give(): object;
  close(): void;
}

/** What `_createServerHandle` returns. */
interface ServerHandle {
  /** Returns 0, or a negative system error; an address in use is found only here. */
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

/** A class of Node 26.4 and later. */
type PublicBoundSocket = new (options: object) => Omit<BoundSocket, "give">;

/** libuv's `UV_TCP_IPV6ONLY` and `UV_TCP_REUSEPORT` (uv.h). */
const IPV6_ONLY = 1;
const REUSE_PORT = 2;

/** Binds a TCP port without listening: by `net.BoundSocket`, or, before Node 26.4, as `node:cluster` does. Throws the system's error. */
export function bindPort({ host, port, ipv6Only, reusePort }: BindTcpCommand): BoundSocket {
  const { BoundSocket, _createServerHandle } = net as unknown as {
    BoundSocket?: PublicBoundSocket;
    _createServerHandle?: (host: string, port: number, family: 4 | 6, fd: -1, flags: number) => ServerHandle | number;
  };
  if (BoundSocket !== undefined) {
    const socket = new BoundSocket({ host, port, ipv6Only, reusePort });
    return { address: () => socket.address(), give: () => socket, close: () => socket.close() };
  }
  if (_createServerHandle === undefined || isPublicOnly() || !BINDS_WITHOUT_LISTENING) {
    const message = "bindTcp needs Node";
    throw Object.assign(new Error(message), { code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", syscall: "bind" });
  }
  const flags = (ipv6Only ? IPV6_ONLY : 0) | (reusePort ? REUSE_PORT : 0);
  const handle = _createServerHandle(host, port, isIPv6(host) ? 6 : 4, -1, flags);
  if (typeof handle === "number") throw bindError(handle, host, port);
  const found: { address?: string; port?: number } = {};
  const failure = handle.getsockname(found);
  if (failure !== 0) {
    handle.close();
    throw bindError(failure, host, port);
  }
  const { address = host, port: bound = port } = found;
  return { address: () => ({ address, port: bound }), give: () => handle, close: () => handle.close() };
}

function bindError(errno: number, address: string, port: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`bind ${code} ${address}:${port}`), { code, errno, syscall: "bind", address, port });
}

function isPublicOnly(): boolean {
  return process.env.RINGNET_PUBLIC_ONLY !== undefined;
}

function handleOf(socket: Socket): PrivateHandle | null {
  if (isPublicOnly()) return null;
  return (socket as unknown as { _handle?: PrivateHandle | null })._handle ?? null;
}

/**
 * Gives an accepted socket the option `onread`, a buffer for the kernel to read into, which Node takes only when a
 * socket is constructed. Returns the socket to use in place of `accepted` (which was made with `pauseOnConnect`), and
 * whether it reads by `onread`; if not, bytes are pushed.
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

/** The file descriptor; undefined if there is none. Deno's `fd` is a number that `node:fs` can't use. */
function descriptorOf(socket: Socket): number | undefined {
  const descriptor = process.versions.deno === undefined ? handleOf(socket)?.fd : undefined;
  return typeof descriptor === "number" && descriptor >= 0 ? descriptor : undefined;
}

/** The socket below an accepted TLS socket, or null if Node does not say. */
export function socketBelow(secure: TLSSocket): Socket | null {
  return isPublicOnly() ? null : ((secure as unknown as { _parent?: Socket | null })._parent ?? null);
}

/** Adds one authority, in PEM. */
export type AddAuthority = (certificate: string) => void;

/** Adds authorities to a secure context; null if only `createSecureContext` can, or without a context. */
export function authorityAdder(secure: SecureContext | null): AddAuthority | null {
  const context = (secure as { context?: { addCACert?: AddAuthority } } | null)?.context;
  if (isPublicOnly() || typeof context?.addCACert !== "function") return null;
  return context.addCACert.bind(context);
}

/** The secure context of a server's own certificate, or null if Node does not say. */
export function contextOfServer(server: Server): SecureContext | null {
  return (server as unknown as { _sharedCreds?: SecureContext })._sharedCreds ?? null;
}

/**
 * The error behind the end of a plain TCP stream, or null if it is a real end. When data and a reset arrive together,
 * libuv reads the data, sees the hang-up, and reports an end without reading once more (uv__stream_io, unix/stream.c);
 * the kernel still has the error for the next read. If there are more bytes, `take` gets them. Without a file
 * descriptor every end counts as real.
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
 * The same for TLS, with one read: bytes after the end of a TLS stream are dropped. If a reset follows a close_notify
 * before this check, it can't be distinguished from a reset in its place, and is an error too.
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
 * Keeps a socket open for reading when a write is refused: Node would destroy it immediately, and with it bytes that
 * had arrived before. `refused` is called once, with the error and a function that destroys the socket later; if it
 * returns false, the socket is destroyed now. `reason` returns the error to destroy it with in all other cases.
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
    // Node emits no 'end' on a socket with an error, so the end is detected in `push`.
    const { push } = socket;
    socket.push = (bytes: Buffer | null): boolean => {
      if (bytes !== null) return push.call(socket, bytes);
      destroyNow();
      return false;
    };
    return socket;
  };
}
