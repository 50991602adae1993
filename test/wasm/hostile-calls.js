/**
 * Chosen calls of a hostile program, each with what it must return, in the memory of a real program. In a process of
 * its own, because a defect may end it. Prints a line of JSON: the calls that returned or did something else.
 */

import { createRequire } from "node:module";
import { socketImports } from "ringnet/wasm";

const module = await createRequire(import.meta.url)("./guests/sockets.cjs")({ noInitialRun: true });
const heap = () => module.HEAPU8;
let malloc = module._malloc;
const { calls, shared, owns } = socketImports({ FS: module.FS, heap, malloc: (bytes) => malloc(bytes) });
const errno = { EBADF: -8, EFAULT: -21, EINVAL: -28, EMSGSIZE: -35, ENOTSOCK: -57 };
const [SOCK_STREAM, SOCK_DGRAM, AF_INET] = [1, 2, 2];
const [MSG_TRUNC, MSG_DONTWAIT] = [0x20, 0x40];

const area = module._malloc(65536);
const view = () => new DataView(heap().buffer);
const problems = [];

function check(name, returned, expected) {
  const right = typeof expected === "function" ? expected(returned) : returned === expected;
  if (!right) problems.push(`${name}: ${returned}`);
}

function attempt(call) {
  try {
    return call();
  } catch (error) {
    return `threw ${error.stack}`;
  }
}

function expectResult(name, call, expected) {
  check(name, attempt(call), expected);
}

/** 127.0.0.1 with a port, at `area`. */
function address(port) {
  view().setUint16(area, AF_INET, true);
  view().setUint16(area + 2, port);
  view().setUint32(area + 4, 0x7f000001);
}

function portOf(fd) {
  view().setInt32(area + 64, 16, true);
  calls.__syscall_getsockname(fd, area, area + 64);
  return view().getUint16(area + 2);
}

/** A message of `count` buffers, all of them nearly the whole memory. */
function wholeMemory(count) {
  const [message, buffers] = [area + 128, area + 256];
  heap().fill(0, message, message + 32);
  view().setUint32(message + 8, buffers, true);
  view().setInt32(message + 12, count, true);
  for (let i = 0; i < Math.min(Math.max(count, 0), 1024); i++) {
    view().setUint32(buffers + 8 * i, 8, true);
    view().setUint32(buffers + 8 * i + 4, heap().length - 8, true);
  }
  return message;
}

address(0);
const udp = calls.__syscall_socket(AF_INET, SOCK_DGRAM, 0);
calls.__syscall_bind(udp, area, 16);
address(portOf(udp));
expectResult("connect", () => calls.__syscall_connect(udp, area, 16), 0);

const server = calls.__syscall_socket(AF_INET, SOCK_STREAM, 0);
address(0);
calls.__syscall_bind(server, area, 16);
calls.__syscall_listen(server, 5);
const client = calls.__syscall_socket(AF_INET, SOCK_STREAM, 0);
address(portOf(server));
expectResult("connect a stream", () => calls.__syscall_connect(client, area, 16), 0);
expectResult("accept4 with unknown flags", () => calls.__syscall_accept4(server, 0, 0, 1), errno.EINVAL);
const accepted = calls.__syscall_accept4(server, 0, 0, 0);
heap().fill(120, area, area + 10);
calls.__syscall_sendto(accepted, area, 10, 0, 0, 0);
calls.__syscall_poll(pollEntry(client, 1), 1, 5000);

function pollEntry(fd, events) {
  view().setInt32(area + 512, fd, true);
  view().setInt16(area + 516, events, true);
  return area + 512;
}

const held = () => process.memoryUsage().arrayBuffers / 1e6;
const before = held();
expectResult(
  "a datagram of 1024 times the memory",
  () => calls.__syscall_sendmsg(udp, wholeMemory(1024), 0),
  errno.EMSGSIZE,
);
expectResult("sendmsg of 1025 buffers", () => calls.__syscall_sendmsg(udp, wholeMemory(1025), 0), errno.EINVAL);
expectResult("sendmsg of -1 buffers", () => calls.__syscall_sendmsg(udp, wholeMemory(-1), 0), errno.EINVAL);
expectResult(
  "bytes dropped into 1024 times the memory",
  () => calls.__syscall_recvmsg(client, wholeMemory(1024), MSG_TRUNC),
  10,
);
expectResult(
  "a stream of 1024 times the memory",
  () => calls.__syscall_sendmsg(client, wholeMemory(1024), MSG_DONTWAIT),
  (n) => n > 0,
);
check("memory held in MB", held() - before, (mb) => mb < 50);

expectResult("a poll that does not wait", () => calls.__syscall_poll_nonblocking(pollEntry(udp, 4), 1), 1);
check("its result", view().getInt16(area + 518, true), 4);

const HUGE = [0x7fffffff, -0x80000000, -1, 0xffffffff];
for (const count of [65537, ...HUGE])
  expectResult(`poll ${count}`, () => calls.__syscall_poll(area, count, 0), errno.EINVAL);
expectResult("poll beyond the memory", () => calls.__syscall_poll(heap().length - 8, 2, 0), errno.EFAULT);
for (let i = 0; i < 4096; i++) {
  view().setInt32(area + 8 * i, client, true);
  view().setInt16(area + 8 * i + 4, 4, true);
}
expectResult(
  "poll of one socket 4096 times",
  () => calls.__syscall_poll(area, 4096, 0),
  (n) => n === 0 || n === 4096,
);
for (const count of [1025, ...HUGE]) {
  expectResult(`select ${count}`, () => calls.__syscall__newselect(count, area, 0, 0, 0), errno.EINVAL);
}
for (const length of HUGE) {
  expectResult(
    `send ${length} bytes`,
    () => calls.__syscall_sendto(client, area, length, MSG_DONTWAIT, 0, 0),
    errno.EFAULT,
  );
  expectResult(`bind ${length}`, () => calls.__syscall_bind(server, area, length), errno.EINVAL);
}
expectResult("bind with no address", () => calls.__syscall_bind(server, 0, 0), errno.EINVAL);
expectResult(
  "an address at the end of memory",
  () => calls.__syscall_bind(server, heap().length - 4, 16),
  errno.EFAULT,
);

const twin = shared.__syscall_dup(client);
module.FS.close(module.FS.streams[client]);
expectResult("send on a closed descriptor", () => calls.__syscall_sendto(client, area, 1, 0, 0, 0), errno.EBADF);
expectResult("send on its duplicate", () => calls.__syscall_getsockopt(twin, 1, 3, area, pollEntry(4, 0)), 0);
expectResult("listen on stdout", () => calls.__syscall_listen(1, 1), errno.ENOTSOCK);
expectResult("dup3 to a huge descriptor", () => shared.__syscall_dup3(twin, 0x7fffffff, 0), errno.EBADF);

// The program may have declared the imports with arguments of any types.
for (const value of [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 64n - 1n,
  Symbol("x"),
  { valueOf: null },
  null,
  undefined,
  1.5,
]) {
  for (const [name, call] of Object.entries({ ...calls, ...shared })) {
    if (name === "_emscripten_lookup_name" || name.startsWith("gethostbyname")) continue; // return other values
    for (const first of [value, server, udp]) {
      if (name === "__syscall_accept4") continue; // would wait
      const values =
        name.startsWith("fd_") || name === "js_fd_read"
          ? [value, 0, 0, 0]
          : [first, value, value, value, value, value, value];
      if (name === "__syscall__newselect") values.splice(0, 5, 1, value, value, value, area + 40000);
      if (name === "__syscall_recvfrom" || name === "__syscall_recvmmsg") values[3] = MSG_DONTWAIT;
      if (name === "__syscall_recvmsg") values[2] = MSG_DONTWAIT;
      if (name === "__syscall_poll" || name === "wasm_poll_socket") values[2] = 0;
      if (name === "__syscall_dup3") values[1] = twin;
      expectResult(`${name}(${String(first)}, ${typeof value})`, () => call(...values), Number.isInteger);
    }
  }
  expectResult(
    `owns ${typeof value}`,
    () => String(owns("fd_write", value)),
    (text) => text === "true" || text === "false",
  );
}

heap().set(Buffer.from("127.0.0.1\0"), area);
expectResult("hints at the end of memory", () => calls.getaddrinfo(area, 0, heap().length - 8, area + 64), -4);
expectResult("no room for the result", () => calls.getaddrinfo(area, 0, 0, heap().length - 2), -4);
for (const bad of [heap().length - 4, 0xfffffff0, -1, 0]) {
  malloc = () => bad;
  expectResult(`getaddrinfo with malloc ${bad}`, () => calls.getaddrinfo(area, 0, 0, area + 64), bad === 0 ? -10 : -4);
  expectResult(`gethostbyname with malloc ${bad}`, () => calls.gethostbyname(area), 0);
}
malloc = (bytes) => {
  module._malloc(heap().length); // replaces the memory by a larger one
  return module._malloc(bytes);
};
const small = heap().length;
expectResult("getaddrinfo while the memory grows", () => calls.getaddrinfo(area, 0, 0, area + 64), 0);
check("grown", heap().length, (length) => length > small);
const info = view().getUint32(area + 64, true);
check("its first address", view().getUint32(view().getUint32(info + 20, true) + 4), 0x7f000001);

console.log(JSON.stringify(problems));
process.exit(0);
