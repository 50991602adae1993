/**
 * The socket system calls for a WebAssembly program: arguments are numbers and addresses in its memory.
 *
 * Runs on the calling thread.
 */

import {
  createSocket,
  getOption,
  MSG_TRUNC,
  POLLNVAL,
  type Pollable,
  type Polled,
  PosixError,
  type PosixSocket,
  poll,
  type Selected,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  type SocketAddress,
  select,
  setOption,
} from "../posix/index.js";
import type { Descriptors } from "./descriptors.js";
import { errnoNumber } from "./errno-numbers.js";
import type { GuestMemory } from "./guest-memory.js";
import { decodeAddress, encodeAddress } from "./socket-addresses.js";

const MAX_BUFFERS = 1024;
/** The most bytes that one call transfers, as on Linux, so that every count is a positive number of 32 bits. */
const MAX_TRANSFER = 0x7ffff000;
const MAX_DESCRIPTORS = 65536;
const FD_SETSIZE = 1024;
const O_RDWR = 2;
const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
/** The parts of a `struct msghdr`, and the size of a `struct mmsghdr`. */
const MSG = { name: 0, nameLength: 4, buffers: 8, bufferCount: 12, control: 16, controlLength: 20, flags: 24 };
const MMSG_BYTES = 32;
const MMSG_LENGTH = 28;

/** The calls by name. Each throws errors that `errnoOf` understands; `import-functions.ts` converts them to numbers. */
export class SocketCalls {
  readonly #memory: GuestMemory;
  readonly #descriptors: Descriptors;

  constructor(memory: GuestMemory, descriptors: Descriptors) {
    this.#memory = memory;
    this.#descriptors = descriptors;
  }

  socket(domain: number, type: number, protocol: number): number {
    const socket = createSocket(domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol);
    socket.nonBlocking = (type & SOCK_NONBLOCK) !== 0;
    return this.#descriptors.open(socket);
  }

  bind(fd: number, address: number, length: number): number {
    this.#socket(fd).bind(this.#named(address, length));
    return 0;
  }

  listen(fd: number, backlog: number): number {
    this.#socket(fd).listen(backlog);
    return 0;
  }

  accept4(fd: number, address: number, lengthAddress: number, flags: number): number {
    const socket = this.#socket(fd);
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) !== 0) throw new PosixError("EINVAL");
    if (address !== 0) this.#room(address, lengthAddress);
    const accepted = socket.accept();
    accepted.nonBlocking = (flags & SOCK_NONBLOCK) !== 0;
    try {
      if (address !== 0) this.#writeAddress(address, lengthAddress, accepted.remoteAddress());
      return this.#descriptors.open(accepted);
    } catch (error) {
      accepted.close();
      throw error;
    }
  }

  connect(fd: number, address: number, length: number): number {
    this.#socket(fd).connect(decodeAddress(this.#memory.bytes(address, addressBytes(length))));
    return 0;
  }

  getsockname(fd: number, address: number, lengthAddress: number): number {
    this.#writeAddress(address, lengthAddress, this.#socket(fd).localAddress());
    return 0;
  }

  getpeername(fd: number, address: number, lengthAddress: number): number {
    this.#writeAddress(address, lengthAddress, this.#socket(fd).remoteAddress());
    return 0;
  }

  sendto(fd: number, bytes: number, length: number, flags: number, address: number, addressLength: number): number {
    const socket = this.#socket(fd);
    const to = address === 0 ? null : this.#named(address, addressLength);
    return socket.send([this.#bytes(bytes, length)], flags, to);
  }

  recvfrom(fd: number, bytes: number, length: number, flags: number, address: number, lengthAddress: number): number {
    const socket = this.#socket(fd);
    if (address !== 0) this.#room(address, lengthAddress);
    const received = socket.receive([this.#bytes(bytes, length)], flags);
    if (address !== 0) this.#writeAddress(address, lengthAddress, received.address);
    return received.length;
  }

  sendmsg(fd: number, message: number, flags: number): number {
    const socket = this.#socket(fd);
    const memory = this.#memory;
    const [name, length] = [memory.u32(message + MSG.name), memory.i32(message + MSG.nameLength)];
    if (memory.u32(message + MSG.control) !== 0 && memory.u32(message + MSG.controlLength) > 0) {
      throw new PosixError("EINVAL", "control messages can't be sent");
    }
    return socket.send(this.#messageBuffers(message), flags, name === 0 ? null : this.#named(name, length));
  }

  recvmsg(fd: number, message: number, flags: number): number {
    const socket = this.#socket(fd);
    const memory = this.#memory;
    const buffers = this.#messageBuffers(message);
    memory.bytes(message, MMSG_LENGTH);
    const name = memory.u32(message + MSG.name);
    if (name !== 0) this.#room(name, message + MSG.nameLength);
    const received = socket.receive(buffers, flags);
    if (name !== 0) this.#writeAddress(name, message + MSG.nameLength, received.address);
    else memory.setI32(message + MSG.nameLength, 0);
    memory.setI32(message + MSG.controlLength, 0);
    memory.setI32(message + MSG.flags, received.truncated ? MSG_TRUNC : 0);
    return received.length;
  }

  /** Sends several messages; returns how many, or fails if the first does. */
  sendmmsg(fd: number, messages: number, count: number, flags: number): number {
    return this.#several(messages, count, (message) => this.sendmsg(fd, message, flags));
  }

  /** Receives several messages; blocks only for the first. */
  recvmmsg(fd: number, messages: number, count: number, flags: number): number {
    const DONTWAIT = 0x40;
    let own = flags;
    return this.#several(messages, count, (message) => {
      const length = this.recvmsg(fd, message, own);
      own |= DONTWAIT;
      return length;
    });
  }

  shutdown(fd: number, how: number): number {
    this.#socket(fd).shutdown(how);
    return 0;
  }

  setsockopt(fd: number, level: number, name: number, value: number, length: number): number {
    const socket = this.#socket(fd);
    if (length < 0) throw new PosixError("EINVAL");
    setOption(socket, level, name, this.#memory.bytes(value, Math.min(length, 256)));
    return 0;
  }

  getsockopt(fd: number, level: number, name: number, value: number, lengthAddress: number): number {
    const socket = this.#socket(fd);
    const room = this.#memory.i32(lengthAddress);
    if (room < 0) throw new PosixError("EINVAL");
    const target = this.#memory.bytes(value, Math.min(room, 256));
    const bytes = getOption(socket, level, name, room, errnoNumber).subarray(0, room);
    target.set(bytes);
    this.#memory.setI32(lengthAddress, bytes.length);
    return 0;
  }

  poll(entries: number, count: number, timeout: number): number {
    const total = count >>> 0;
    if (total > MAX_DESCRIPTORS) throw new PosixError("EINVAL");
    const memory = this.#memory;
    memory.bytes(entries, total * 8);
    const at = (i: number) => (entries >>> 0) + 8 * i;
    const list: (Polled & { entry: number })[] = [];
    for (let i = 0; i < total; i++) {
      const fd = memory.i32(at(i));
      memory.setI16(at(i) + 6, 0);
      if (fd < 0) continue;
      const source = this.#descriptors.pollableOf(fd) ?? NO_DESCRIPTOR;
      list.push({ entry: at(i), source, events: memory.u16(at(i) + 4), found: 0 });
    }
    const ready = poll(list, timeout);
    for (const { entry, found } of list) memory.setI16(entry + 6, found);
    return ready;
  }

  select(count: number, read: number, write: number, except: number, timeout: number): number {
    if (count < 0 || count > FD_SETSIZE) throw new PosixError("EINVAL");
    const memory = this.#memory;
    const bytes = Math.ceil(count / 32) * 4;
    const sets = [read, write, except].map((set) => (set === 0 ? null : memory.bytes(set, bytes)));
    const ms = timeout === 0 ? -1 : this.#milliseconds(timeout);
    const list: (Selected & { fd: number })[] = [];
    for (let fd = 0; fd < count; fd++) {
      const isIn = (set: Uint8Array | null | undefined) =>
        set != null && (((set[fd >> 3] as number) >> (fd & 7)) & 1) === 1;
      const [r, w, e] = sets.map(isIn) as [boolean, boolean, boolean];
      if (!r && !w && !e) continue;
      const source = this.#descriptors.pollableOf(fd);
      if (source === null) throw new PosixError("EBADF");
      list.push({ fd, source, read: r, write: w, except: e, readable: false, writable: false, exceptional: false });
    }
    const ready = select(list, ms);
    for (const set of sets) set?.fill(0);
    for (const { fd, readable, writable, exceptional } of list) {
      [readable, writable, exceptional].forEach((is, i) => {
        const set = sets[i];
        if (is && set != null) set[fd >> 3] = (set[fd >> 3] as number) | (1 << (fd & 7));
      });
    }
    return ready;
  }

  /** Reads into several buffers, as readv: from a socket, or from the standard input. */
  read(fd: number, buffers: number, count: number): number {
    const input = this.#descriptors.inputOf(fd);
    const targets = this.#buffers(buffers, count);
    return input === null ? this.#socket(fd).receive(targets).length : input.read(targets);
  }

  /** Writes several buffers, as writev. */
  write(fd: number, buffers: number, count: number): number {
    return this.#socket(fd).send(this.#buffers(buffers, count));
  }

  /** `argument`: where the call's third argument is. */
  fcntl(fd: number, command: number, argument: number): number {
    const socket = this.#socket(fd);
    switch (command) {
      case F_DUPFD:
      case F_DUPFD_CLOEXEC: {
        const least = this.#memory.i32(argument);
        if (least < 0) throw new PosixError("EINVAL");
        return this.#descriptors.duplicate(fd, least);
      }
      case F_GETFD:
      case F_SETFD:
        return 0;
      case F_GETFL:
        return O_RDWR | (socket.nonBlocking ? SOCK_NONBLOCK : 0);
      case F_SETFL:
        socket.nonBlocking = (this.#memory.i32(argument) & SOCK_NONBLOCK) !== 0;
        return 0;
      default:
        throw new PosixError("EINVAL");
    }
  }

  /** `argument`: where the call's third argument is. */
  ioctl(fd: number, request: number, argument: number): number {
    const socket = this.#socket(fd);
    if (request !== FIONREAD && request !== FIONBIO) throw new PosixError("ENOTTY");
    const value = this.#memory.u32(argument);
    if (request === FIONREAD) this.#memory.setI32(value, socket.readable);
    else socket.nonBlocking = this.#memory.i32(value) !== 0;
    return 0;
  }

  dup(fd: number): number {
    this.#socket(fd);
    return this.#descriptors.duplicate(fd, 0);
  }

  dup3(fd: number, target: number): number {
    this.#socket(fd);
    if (fd === target) throw new PosixError("EINVAL");
    if (target < 0 || target >= MAX_DESCRIPTORS) throw new PosixError("EBADF");
    this.#descriptors.replace(fd, target);
    return target;
  }

  #socket(fd: number): PosixSocket {
    const socket = this.#descriptors.socketOf(fd);
    if (socket === null) throw new PosixError("ENOTSOCK");
    return socket;
  }

  #named(address: number, length: number): SocketAddress {
    const named = decodeAddress(this.#memory.bytes(address, addressBytes(length)));
    if (named.family === 0) throw new PosixError("EAFNOSUPPORT");
    return named;
  }

  /** The room for an address. Throws if it is not within the memory. */
  #room(address: number, lengthAddress: number): Uint8Array {
    const room = this.#memory.i32(lengthAddress);
    if (room < 0) throw new PosixError("EINVAL");
    return this.#memory.bytes(address, Math.min(room, 128));
  }

  #writeAddress(address: number, lengthAddress: number, value: SocketAddress | null): void {
    const target = this.#room(address, lengthAddress);
    const bytes = value === null ? new Uint8Array(0) : encodeAddress(value);
    target.set(bytes.subarray(0, target.length));
    this.#memory.setI32(lengthAddress, bytes.length);
  }

  #messageBuffers(message: number): Uint8Array[] {
    const memory = this.#memory;
    return this.#buffers(memory.u32(message + MSG.buffers), memory.i32(message + MSG.bufferCount));
  }

  #buffers(address: number, count: number): Uint8Array[] {
    if (count < 0 || count > MAX_BUFFERS) throw new PosixError("EINVAL");
    let room = MAX_TRANSFER;
    return Array.from({ length: count }, (_, i) => {
      const entry = (address >>> 0) + 8 * i;
      const bytes = this.#bytes(this.#memory.u32(entry), this.#memory.u32(entry + 4)).subarray(0, room);
      room -= bytes.length;
      return bytes;
    });
  }

  /** The bytes to transfer, in place. */
  #bytes(address: number, length: number): Uint8Array {
    return this.#memory.bytes(address, length).subarray(0, MAX_TRANSFER);
  }

  #several(messages: number, count: number, call: (message: number) => number): number {
    const total = Math.min(count >>> 0, MAX_BUFFERS);
    let done = 0;
    try {
      for (; done < total; done++) {
        const message = (messages >>> 0) + done * MMSG_BYTES;
        this.#memory.bytes(message, MMSG_BYTES);
        this.#memory.setI32(message + MMSG_LENGTH, call(message));
      }
    } catch (error) {
      if (done === 0) throw error;
    }
    return done;
  }

  /** The time limit of select in ms: whatever the size of time_t, the C library passes two words. */
  #milliseconds(address: number): number {
    const seconds = this.#memory.i32(address);
    const microseconds = this.#memory.i32(address + 4);
    if (seconds < 0 || microseconds < 0) throw new PosixError("EINVAL");
    return seconds * 1000 + microseconds / 1000;
  }
}

const NO_DESCRIPTOR: Pollable = { readiness: () => POLLNVAL, pollEntry: () => null };

/** Checks the length of an address. */
function addressBytes(length: number): number {
  if (length < 0 || length > 128) throw new PosixError("EINVAL");
  return length;
}
