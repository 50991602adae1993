/**
 * The functions that a program built by emscripten imports for its sockets, by the names of the imports.
 *
 * Runs on the calling thread.
 */

import { errnoOf, poll } from "../posix/index.js";
import { EmscriptenFiles, type EmscriptenFs } from "./emscripten-files.js";
import { errnoNumber } from "./errno-numbers.js";
import { GuestMemory } from "./guest-memory.js";
import { NameCalls } from "./name-calls.js";
import { SocketCalls } from "./socket-calls.js";

export interface GuestParts {
  /** Emscripten's file system, which holds the descriptors. */
  readonly FS: EmscriptenFs;
  /** Returns the memory as it is now. */
  readonly heap: () => Uint8Array;
  /** The program's own malloc. */
  readonly malloc: (bytes: number) => number;
}

export type ImportFunction = (...values: number[]) => number;
type Functions = Record<string, ImportFunction>;

export interface SocketImports {
  /** Imports that only work on sockets. */
  readonly calls: Functions;
  /**
   * Imports whose first argument may be any descriptor: to be called if `owns` returns true; otherwise call
   * emscripten's own.
   */
  readonly shared: Functions;
  /** Whether the function `name` of `shared` handles a descriptor: a socket, or standard input for reading. */
  owns(name: string, fd: number): boolean;
}

/** The names of all imports that `socketImports` provides. */
export const SOCKET_IMPORTS: ReadonlySet<string> = new Set([
  "__syscall_socket",
  "__syscall_bind",
  "__syscall_listen",
  "__syscall_accept4",
  "__syscall_connect",
  "__syscall_getsockname",
  "__syscall_getpeername",
  "__syscall_sendto",
  "__syscall_recvfrom",
  "__syscall_sendmsg",
  "__syscall_recvmsg",
  "__syscall_shutdown",
  "__syscall_getsockopt",
  "__syscall_setsockopt",
  "__syscall_sendmmsg",
  "__syscall_recvmmsg",
  "__syscall_poll",
  "__syscall_poll_nonblocking",
  "__syscall__newselect",
  "getaddrinfo",
  "getnameinfo",
  "gethostbyname",
  "gethostbyname_r",
  "_emscripten_lookup_name",
  "__syscall_fcntl64",
  "__syscall_ioctl",
  "__syscall_dup",
  "__syscall_dup3",
  "fd_read",
  "fd_write",
  "_try_shutdown",
  "wasm_shutdown",
  "wasm_setsockopt",
  "wasm_poll_socket",
  "js_fd_read",
]);

/**
 * Returns all import functions. None throws: failures are negative errno values (EAI values for getaddrinfo and
 * getnameinfo).
 */
export function socketImports({ FS, heap, malloc }: GuestParts): SocketImports {
  const memory = new GuestMemory(heap);
  const files = new EmscriptenFiles(FS);
  const sockets = new SocketCalls(memory, files);
  const names = new NameCalls(memory, malloc);
  const errno = (error: unknown): number => {
    if (error instanceof FS.ErrnoError) return (error as { errno: number }).errno;
    return errnoNumber(errnoOf(error));
  };
  const negative = (call: ImportFunction): ImportFunction => {
    return (...values) => {
      try {
        return call.apply(sockets, values);
      } catch (error) {
        return -errno(error);
      }
    };
  };
  /** As in WASI: returns a positive errno, and writes the count to memory. */
  const counted = (call: ImportFunction): ImportFunction => {
    return (fd, buffers, count, out) => {
      try {
        memory.bytes(out as number, 4);
        memory.setI32(out as number, call.call(sockets, fd as number, buffers as number, count as number));
        return 0;
      } catch (error) {
        return errno(error);
      }
    };
  };
  return {
    owns: (name, value) => {
      const fd = integer(value);
      if (FS.streams[fd] == null) return false;
      return files.socketOf(fd) !== null || (name === "fd_read" && files.inputOf(fd) !== null);
    },
    calls: withIntegers({
      __syscall_socket: negative(sockets.socket),
      __syscall_bind: negative(sockets.bind),
      __syscall_listen: negative(sockets.listen),
      __syscall_accept4: negative(sockets.accept4),
      __syscall_connect: negative(sockets.connect),
      __syscall_getsockname: negative(sockets.getsockname),
      __syscall_getpeername: negative(sockets.getpeername),
      __syscall_sendto: negative(sockets.sendto),
      __syscall_recvfrom: negative(sockets.recvfrom),
      __syscall_sendmsg: negative(sockets.sendmsg),
      __syscall_recvmsg: negative(sockets.recvmsg),
      __syscall_shutdown: negative(sockets.shutdown),
      __syscall_getsockopt: negative(sockets.getsockopt),
      __syscall_setsockopt: negative(sockets.setsockopt),
      __syscall_sendmmsg: negative(sockets.sendmmsg),
      __syscall_recvmmsg: negative(sockets.recvmmsg),
      __syscall_poll: negative(sockets.poll),
      // Newer versions of emscripten call it for a timeout of 0.
      __syscall_poll_nonblocking: negative((entries, count) => sockets.poll(entries as number, count as number, 0)),
      __syscall__newselect: negative(sockets.select),
      getaddrinfo: names.getaddrinfo.bind(names) as ImportFunction,
      getnameinfo: names.getnameinfo.bind(names) as ImportFunction,
      gethostbyname: names.gethostbyname.bind(names) as ImportFunction,
      gethostbyname_r: names.gethostbyname_r.bind(names) as ImportFunction,
      _emscripten_lookup_name: names.lookupName.bind(names) as ImportFunction,
    }),
    shared: withIntegers({
      __syscall_fcntl64: negative(sockets.fcntl),
      __syscall_ioctl: negative(sockets.ioctl),
      __syscall_dup: negative(sockets.dup),
      __syscall_dup3: negative(sockets.dup3),
      fd_read: counted(sockets.read),
      fd_write: counted(sockets.write),
      // Names that only Pyodide or PHP imports.
      _try_shutdown: (fd, how, out) => {
        const result = negative(sockets.shutdown)(fd as number, how as number);
        return negative(() => {
          memory.setI32(out as number, result);
          return 1;
        })();
      },
      wasm_shutdown: negative(sockets.shutdown),
      wasm_setsockopt: negative(sockets.setsockopt),
      wasm_poll_socket: negative((fd, events, timeout) => {
        const source = files.pollableOf(fd as number);
        if (source === null) return 0;
        const polled = { source, events: events as number, found: 0 };
        poll([polled], timeout as number);
        return polled.found;
      }),
      js_fd_read: counted(sockets.read),
    }),
  };
}

/** The functions, for a program that may have declared them with arguments of any types. */
function withIntegers(functions: Functions): Functions {
  const all = Object.entries(functions).map(([name, call]): [string, ImportFunction] => [
    name,
    (...values) => call(...values.map(integer)),
  ]);
  return Object.fromEntries(all);
}

/** An argument as an integer of 32 bits; 0 if it is not a number. */
function integer(value: unknown): number {
  if (typeof value === "number") return value | 0;
  return typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : 0;
}
