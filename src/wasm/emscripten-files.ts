/**
 * Sockets as files of emscripten's file system, which holds the program's descriptors: `read`, `write`, `close` and
 * `poll` work on them, and descriptors are allocated in one place.
 *
 * Runs on the calling thread.
 */

import { errnoOf, POLLIN, POLLOUT, type Pollable, PosixError, type PosixSocket } from "../posix/index.js";
import type { Descriptors } from "./descriptors.js";
import { errnoNumber } from "./errno-numbers.js";
import { HostInput } from "./host-input.js";

/** An open file. */
export interface EmscriptenStream {
  fd: number;
  /** Set if the file is a terminal. Emscripten treats the standard streams as terminals. */
  tty?: unknown;
  flags?: number;
  node?: EmscriptenNode | null;
  stream_ops?: { poll?: ((stream: EmscriptenStream, timeout: number) => number) | undefined };
}

export interface EmscriptenNode {
  mode: number;
  /** Set if the file is a pipe between parts of the program. */
  pipe?: unknown;
}

/** The part of emscripten's `FS` that is used here. */
export interface EmscriptenFs {
  streams: (EmscriptenStream | null | undefined)[];
  root: unknown;
  FSNode: new (parent: unknown, name: string, mode: number, device: number) => EmscriptenNode;
  ErrnoError: new (errno: number) => Error & { errno: number };
  createStream(stream: object, first?: number, last?: number): EmscriptenStream;
  close(stream: EmscriptenStream): void;
}

interface SocketNode extends EmscriptenNode {
  ringnetSocket?: PosixSocket;
  stream_ops?: object;
  node_ops?: object;
}

const S_IFSOCK = 0o140777;
const O_RDONLY = 0;
const O_RDWR = 2;
const O_ACCMODE = 3;
const MAX_OPEN = 4096;

export class EmscriptenFiles implements Descriptors {
  readonly #fs: EmscriptenFs;
  readonly #operations: object;
  #made = 0;
  readonly #input = new HostInput();

  constructor(fs: EmscriptenFs) {
    this.#fs = fs;
    this.#operations = {
      poll: (stream: EmscriptenStream) => this.#of(stream)?.readiness() ?? 0,
      read: (stream: EmscriptenStream, heap: Uint8Array, offset: number, length: number) =>
        this.#orErrno(() => this.#must(stream).receive([part(heap, offset, length)]).length),
      write: (stream: EmscriptenStream, heap: Uint8Array, offset: number, length: number) =>
        this.#orErrno(() => this.#must(stream).send([part(heap, offset, length)])),
      close: (stream: EmscriptenStream) => this.#closed(stream),
    };
  }

  socketOf(fd: number): PosixSocket | null {
    const stream = this.#fs.streams[fd];
    if (stream == null) throw new PosixError("EBADF");
    return this.#of(stream);
  }

  pollableOf(fd: number): Pollable | null {
    const stream = this.#fs.streams[fd];
    if (stream == null) return null;
    return this.#of(stream) ?? this.inputOf(fd) ?? otherFile(stream);
  }

  /** This process's standard input if the descriptor names it, otherwise null. */
  inputOf(fd: number): HostInput | null {
    const stream = this.#fs.streams[fd];
    return stream?.tty != null && ((stream.flags ?? 0) & O_ACCMODE) === O_RDONLY ? this.#input : null;
  }

  open(socket: PosixSocket): number {
    const node: SocketNode = new this.#fs.FSNode(this.#fs.root, `socket:[${++this.#made}]`, S_IFSOCK, 0);
    node.ringnetSocket = socket;
    node.stream_ops = this.#operations;
    node.node_ops = { getattr: () => attributesOf(node) };
    return this.#open(node).fd;
  }

  duplicate(fd: number, least: number): number {
    const { streams } = this.#fs;
    let free = least;
    while (free < MAX_OPEN && streams[free] != null) free++;
    if (free >= MAX_OPEN) throw new PosixError(least >= MAX_OPEN ? "EINVAL" : "EMFILE");
    return this.#open(this.#nodeOf(fd), free).fd;
  }

  replace(fd: number, target: number): void {
    if (target >= MAX_OPEN) throw new PosixError("EBADF");
    const node = this.#nodeOf(fd);
    const before = this.#fs.streams[target];
    if (before != null) this.#fs.close(before);
    this.#open(node, target);
  }

  #open(node: SocketNode, fd?: number): EmscriptenStream {
    const stream = {
      path: "",
      node,
      flags: O_RDWR,
      seekable: false,
      position: 0,
      stream_ops: this.#operations,
    };
    try {
      return fd === undefined ? this.#fs.createStream(stream) : this.#fs.createStream(stream, fd, fd);
    } catch (error) {
      if (error instanceof this.#fs.ErrnoError) throw new PosixError("EMFILE");
      throw error;
    }
  }

  #nodeOf(fd: number): SocketNode {
    const node = this.#fs.streams[fd]?.node;
    if (node == null) throw new PosixError("EBADF");
    return node;
  }

  #of(stream: EmscriptenStream): PosixSocket | null {
    return (stream.node as SocketNode | null | undefined)?.ringnetSocket ?? null;
  }

  #must(stream: EmscriptenStream): PosixSocket {
    const socket = this.#of(stream);
    if (socket === null) throw new PosixError("EBADF");
    return socket;
  }

  /** Closes the socket when its last descriptor is closed. */
  #closed(stream: EmscriptenStream): void {
    const socket = this.#of(stream);
    if (socket === null) return;
    for (const other of this.#fs.streams) {
      if (other != null && other !== stream && other.fd !== stream.fd && this.#of(other) === socket) return;
    }
    this.#orErrno(() => socket.close());
  }

  /** Runs `call`; failures become the file system's `ErrnoError`. */
  #orErrno<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw new this.#fs.ErrnoError(errnoNumber(errnoOf(error)));
    }
  }
}

/** A part of `heap`, which may be an Int8Array. */
function part(heap: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(heap.buffer, heap.byteOffset + offset, length);
}

/** A file other than a socket. Only the program itself writes to its pipes, and it waits. */
function otherFile(stream: EmscriptenStream): Pollable {
  const readiness = stream.stream_ops?.poll;
  return {
    readiness: () => (readiness === undefined ? POLLIN | POLLOUT : readiness.call(stream.stream_ops, stream, 0)),
    pollEntry: () => (stream.node?.pipe === undefined ? null : "nothing"),
  };
}

function attributesOf({ mode }: EmscriptenNode): object {
  const time = new Date(0);
  return {
    dev: 1,
    ino: 1,
    mode,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 0,
    atime: time,
    mtime: time,
    ctime: time,
    blksize: 4096,
    blocks: 0,
  };
}
