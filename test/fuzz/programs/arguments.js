/**
 * Calls everything that is public with hostile arguments: `node arguments.js <runs> <seed> <echo port> <folder>`.
 *
 * A call may throw only a TypeError, a RangeError, a NetError or an error of the caller's own (a call of `net` no NetError
 * either: a run-time failure is a pair), no call may take long, and connections must work afterwards. It prints a
 * line for each call, with how often it was tried.
 */

import { writeSync } from "node:fs";
import fc from "fast-check";
import * as ringnet from "ringnet";
import { settle } from "../../leaks/programs/ledger.js";
import { anything, host, OwnError, optionsOf, path, timeout, unboxed } from "./hostile.js";

const [runs, seed, port, folder] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  Number(process.argv[4]),
  process.argv[5],
];
const { createRuntime, Deadline, NetError, net, Poller, poll, TcpSocket } = ringnet;
/** A separate runtime, whose handles can be counted in the end; it has the functions of the package root. */
const runtime = createRuntime();
const bindUdp = (options) => runtime.bindUdp(options);
const connect = (options) => runtime.connect(options);
const listen = (options) => runtime.listen(options);
const resolve = (name, options) => runtime.resolve(name, options);
const LONGEST = 4000;

let current = "";
let longest = 0;
let thrown = 0;
let returned = 0;

/** Makes a call and checks the kind of error that it throws, if any; returns the call's result, or null. */
function call(action, allowNetError = true) {
  const start = performance.now();
  let result = null;
  try {
    result = action();
    returned++;
  } catch (error) {
    thrown++;
    const ours =
      error instanceof TypeError || error instanceof RangeError || (allowNetError && error instanceof NetError);
    if (!ours && !(error instanceof OwnError)) throw new Error(`${current} threw ${error?.stack ?? String(error)}`);
    if (error instanceof NetError && (typeof error.code !== "string" || error.message === ""))
      throw new Error(`${current}: a NetError without a code`);
  }
  const took = performance.now() - start;
  longest = Math.max(longest, took);
  if (took > LONGEST) throw new Error(`${current} took ${took} ms`);
  return result;
}

/** Tries one call with many arguments; `act` closes what it opens. */
function fuzz(name, args, act, share = 1) {
  current = name;
  const before = { thrown, returned };
  const numRuns = Math.max(20, Math.round(runs * share));
  fc.assert(
    fc.property(fc.tuple(...args), (values) => void act(...values.map(unboxed))),
    { numRuns, seed, verbose: 0 },
  );
  const outcome = { call: name, tried: numRuns, threw: thrown - before.thrown, returned: returned - before.returned };
  writeSync(1, `${JSON.stringify(outcome)}\n`);
}

/** A connection that works; a new one if a valid call has ended the last one. */
let socket = null;
function open() {
  if (socket === null || socket.closed || socket.status !== "success") {
    socket?.close();
    socket = connect({ host: "127.0.0.1", port, timeout: 5000, sendBuffer: 1 << 16, receiveBuffer: 1 << 16 });
  }
  return socket;
}
const server = listen({ host: "127.0.0.1" });
const udp = bindUdp({ host: "127.0.0.1" });
const closeAll = (...handles) => {
  for (const handle of handles) if (typeof handle?.close === "function") call(() => handle.close());
};

/** Without a timeout calls wait forever. */
const briefly = (time) => (time === undefined ? 0 : time);

const ports = fc.oneof(fc.constantFrom(port, 1, 0, 65535, 65536, -1), anything);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string(), anything);
const flag = fc.oneof(fc.boolean(), anything);
const interest = fc.oneof(fc.record({ readable: flag, writable: flag }, { requiredKeys: [] }), anything);
const sizes = fc.oneof(fc.constantFrom(4096, 65536, 131072, 5000, 0, 2 ** 30, 2 ** 40), anything);
const pem = fc.oneof(bytes, fc.array(bytes, { maxLength: 3 }));
const tls = fc.oneof(
  flag,
  optionsOf({
    ca: pem,
    cert: pem,
    key: pem,
    passphrase: anything,
    pfx: bytes,
    servername: fc.oneof(fc.string(), anything),
    ALPNProtocols: fc.oneof(fc.array(fc.string()), anything),
    minVersion: fc.oneof(fc.constantFrom("TLSv1.2", "TLSv1.3", "TLSv9"), anything),
    maxVersion: fc.oneof(fc.constantFrom("TLSv1.2", "TLSv1.3", "SSLv3"), anything),
    ciphers: fc.oneof(fc.string(), anything),
    rejectUnauthorized: flag,
    requestCert: flag,
    caFile: path(folder),
  }),
);
const target = { host, port: ports, path: path(folder) };
const rings = { receiveBuffer: sizes, sendBuffer: sizes };
const connectOptions = optionsOf({
  ...target,
  ...rings,
  tls,
  timeout,
  noDelay: flag,
  keepAlive: anything,
  localAddress: host,
  localPort: anything,
  bound: anything,
  dscp: anything,
});
const listenOptions = optionsOf({
  ...target,
  ...rings,
  tls,
  backlog: anything,
  ipv6Only: flag,
  noDelay: flag,
  keepAlive: anything,
  reusePort: flag,
  bound: anything,
  dscp: anything,
});
const bindTcpOptions = optionsOf({ host, port: ports, ipv6Only: flag, reusePort: flag });
const udpOptions = optionsOf({
  host,
  port: ports,
  ...rings,
  reusePort: flag,
  reuseAddr: flag,
  broadcast: flag,
  ipv6Only: flag,
});
const runtimeOptions = optionsOf({
  ...rings,
  threads: fc.oneof(fc.constantFrom(0, 1, 65), anything),
  busyPoll: anything,
  lingerMs: anything,
  resourceLimits: anything,
});

// The functions of the root, and the runtime's, which are the same.
const choices = optionsOf({
  family: fc.oneof(fc.constantFrom(0, 4, 6, 5), anything),
  order: fc.oneof(fc.constantFrom("verbatim", "ipv4first"), anything),
});
fuzz("reverse", [host, timeout], (name, time) => call(() => runtime.reverse(name, briefly(time))), 0.3);
fuzz("resolve", [host, timeout, choices], (name, time, options) => {
  const address = call(() => resolve(name, options));
  call(() => address?.waitUntilResolved(briefly(time)));
  call(() => [address?.ip, address?.ips, address?.status, address?.error, String(address)]);
  closeAll(address);
});
fuzz("connect", [connectOptions], (options) => closeAll(call(() => connect(options))));
fuzz("the root's functions", [host, connectOptions, listenOptions, udpOptions], (name, first, second, third) => {
  closeAll(
    call(() => ringnet.resolve(name)),
    call(() => ringnet.connect(first)),
    call(() => ringnet.listen(second)),
    call(() => ringnet.bindUdp(third)),
  );
});
fuzz("listen", [listenOptions], (options) => closeAll(call(() => listen(options))));
fuzz("bindTcp", [bindTcpOptions], (options) => closeAll(call(() => runtime.bindTcp(options))));
fuzz("bindUdp", [udpOptions], (options) => closeAll(call(() => bindUdp(options))));
fuzz("createRuntime", [runtimeOptions], (options) => closeAll(call(() => createRuntime(options))));
fuzz("checkTlsOptions", [tls], (options) => call(() => ringnet.checkTlsOptions(options)), 0.3);
fuzz("parseProxy", [fc.oneof(fc.webUrl(), anything)], (proxy) => call(() => ringnet.parseProxy(proxy)));
fuzz("createNet", [optionsOf({ runtime: anything, endOfStream: anything, ...rings })], (options) =>
  call(() => ringnet.createNet(options)),
);
fuzz("poll", [fc.oneof(anything, fc.array(anything)), timeout], (handles, time) => call(() => poll(handles, time)));
fuzz("Poller", [anything, timeout], (handle, time) => {
  const poller = new Poller();
  call(() => poller.add(handle));
  call(() => poller.delete(handle));
  call(() => poller.has(handle));
  call(() => poller.wait(time));
});
fuzz("Deadline", [timeout], (time) => {
  const deadline = call(() => new Deadline(briefly(time)));
  call(() => Deadline.of(briefly(time), "anything"));
  if (deadline !== null) call(() => [deadline.left, deadline.expired, poll([], deadline)]);
});
fuzz(
  "openInput",
  [fc.oneof(fc.constantFrom("stdin", 9999), anything), optionsOf({ receiveBuffer: sizes })],
  (fd, options) =>
    closeAll(call(() => (typeof fd === "number" && fd > 2 && fd < 1000 ? null : runtime.openInput(fd, options)))),
);
fuzz("pollables", [anything, interest], (answer, bits) => {
  const one = {
    [ringnet.pollable](watch) {
      watch(answer);
      return answer;
    },
  };
  call(() => poll([one, { handle: one, ...bits }], 1));
  call(() => new Poller().add(one).wait(1));
});
fuzz(
  "cancel",
  [fc.oneof(anything, fc.record({ ringnet: fc.constant("canceller"), word: anything, caller: anything }))],
  (token) => call(() => ringnet.cancel(token)),
);
fuzz("canceller", [timeout], (time) => {
  const waiting = bindUdp({ host: "127.0.0.1" });
  call(() => ringnet.cancel(structuredClone(waiting.canceller())));
  call(() => waiting.waitUntilReadable(time)); // never waits forever
  closeAll(waiting);
  call(() => waiting.canceller());
});
fuzz("TcpSocket.attach", [anything], (token) => call(() => TcpSocket.attach(token)));

// Methods of a connection that is open.
const lengths = optionsOf({ maxLength: anything });
const counts = fc.oneof(fc.integer({ min: 0, max: 100 }), anything);
fuzz("socket.write", [bytes], (data) => call(() => open().write(data)));
fuzz("socket.claim", [counts, counts], (count, committed) => {
  const room = call(() => open().claim(count));
  call(() => room?.fill(7));
  call(() => socket.commit(committed));
});
const pieces = fc.oneof(bytes, fc.array(bytes, { maxLength: 4 }));
fuzz("socket.writeAll", [pieces, timeout], (data, time) => call(() => open().writeAll(data, time)));
fuzz("socket.read", [counts], (max) => call(() => open().read(max)));
fuzz("socket.readInto", [anything], (data) => call(() => open().readInto(data)));
fuzz("socket.consume", [counts], (count) => call(() => open().consume(count)));
fuzz("socket.readExactly", [counts, timeout], (count, time) => call(() => open().readExactly(count, briefly(time))));
const lines = optionsOf({
  maxLength: anything,
  encoding: fc.oneof(fc.constantFrom("utf8", "latin1", "hex"), anything),
});
fuzz("socket.readLine", [timeout, lines], (time, options) => call(() => open().readLine(briefly(time), options)));
fuzz("socket.readUntil", [bytes, timeout, lengths], (delimiter, time, options) =>
  call(() => open().readUntil(delimiter, briefly(time), options)),
);
fuzz("socket.readAll", [timeout, lengths], (time, options) => call(() => open().readAll(briefly(time), options)));
for (const wait of ["waitUntilConnected", "waitUntilReadable", "waitUntilWritable", "waitUntilDrained"]) {
  fuzz(`socket.${wait}`, [timeout], (time) => call(() => open()[wait](briefly(time))), 0.3);
}
fuzz("socket.waitUntil", [interest, timeout], (bits, time) => call(() => open().waitUntil(bits, briefly(time))));
fuzz("poll with an interest", [interest], (bits) => call(() => poll([{ handle: open(), ...bits }])));
fuzz("poller.modify", [interest], (bits) => call(() => new Poller().add(open()).modify(open(), bits)));
fuzz("socket.setNoDelay", [flag], (on) => call(() => open().setNoDelay(on)), 0.3);
fuzz("socket.setKeepAlive", [flag, anything], (on, delay) => call(() => open().setKeepAlive(on, delay)));

// A server, a UDP socket.
fuzz("server.waitUntilAcceptable", [timeout], (time) => call(() => server.waitUntilAcceptable(briefly(time))), 0.3);
fuzz("server.acceptWait", [timeout], (time) => call(() => server.acceptWait(briefly(time))), 0.3);
fuzz("udp.send", [bytes, ports, host], (data, to, name) => call(() => udp.send(data, to, name)));
fuzz("udp.receiveInto", [anything], (target) => call(() => udp.receiveInto(target)), 0.3);
fuzz("udp.receiveWait", [timeout], (time) => call(() => udp.receiveWait(briefly(time))), 0.3);
for (const wait of ["waitUntilReadable", "waitUntilWritable", "waitUntilDrained"]) {
  fuzz(`udp.${wait}`, [timeout], (time) => call(() => udp[wait](briefly(time))), 0.3);
}
fuzz("udp.connect", [ports, host], (to, name) => {
  const connected = bindUdp({ host: "127.0.0.1" });
  call(() => connected.connect(to, name));
  call(() => connected.send("?"));
  call(() => connected.disconnect());
  closeAll(connected);
});
for (const set of ["setBroadcast", "setTtl", "setMulticastTtl", "setMulticastLoopback", "setMulticastInterface"]) {
  fuzz(`udp.${set}`, [anything], (value) => call(() => udp[set](value)), 0.3);
}
for (const set of ["addMembership", "dropMembership"]) {
  fuzz(
    `udp.${set}`,
    [fc.oneof(fc.constantFrom("224.0.0.200", "ff02::1"), anything), anything],
    (group, name) => call(() => udp[set](group, name)),
    0.3,
  );
}

// The net contract: run-time failures are pairs.
const pair = (action) => {
  const result = call(action, false);
  if (result !== null && (!Array.isArray(result) || result.length !== 2))
    throw new Error(`${current} returned ${String(result)}`);
  return result?.[0] ?? null;
};
const addresses = fc.oneof(
  fc.constantFrom("127.0.0.1", "localhost", "::1").map((name) => net.resolve_address(name)[0]),
  anything,
);
fuzz("net.resolve_address", [host, timeout], (name, time) => {
  const address = pair(() => net.resolve_address(name));
  if (address !== null) pair(() => address.wait_until_resolved(time));
});
fuzz("net.open_tcp", [addresses, ports, flag], (address, to, ssl) => {
  const tcp = pair(() => net.open_tcp(address, to, ssl));
  if (tcp !== null) call(() => tcp.close(), false);
});
fuzz("net.create_server", [addresses, ports], (address, to) => {
  const made = pair(() => net.create_server(address, to));
  if (made !== null) call(() => made.close(), false);
});
fuzz("net.create_server(port)", [anything], (to) => {
  const made = pair(() => net.create_server(to));
  if (made !== null) call(() => made.close(), false);
});
fuzz("net.open_udp", [addresses, ports, bytes], (address, to, data) => {
  const made = pair(() => net.open_udp(address, to));
  if (made === null) return;
  pair(() => made.send(address, to, data));
  pair(() => made.receive());
  call(() => made.close(), false);
});
fuzz("net.set_cacert_path", [path(folder)], (value) => call(() => net.set_cacert_path(value), false));
let tcp = null;
const openTcp = () => {
  if (tcp === null || tcp.get_status()[0] === "failure") {
    tcp = net.open_tcp(net.resolve_address("127.0.0.1")[0], port)[0];
    tcp.wait_until_connected(5000);
  }
  return tcp;
};
fuzz("net.tcp.read", [counts], (count) => pair(() => openTcp().read(count)));
fuzz("net.tcp.write", [bytes], (data) => pair(() => openTcp().write(data)));
fuzz("net.tcp.wait_until_drained", [timeout], (time) => pair(() => openTcp().wait_until_drained(time)), 0.3);

// Everything works as if nothing had happened, and nothing is left open.
const last = connect({ host: "127.0.0.1", port, timeout: 5000 });
last.writeAll("still here", 5000);
const works = String(last.readExactly(10, 5000)) === "still here";
for (const handle of [last, socket, server, udp]) handle?.reset?.();
closeAll(server, udp);
settle(runtime);
writeSync(1, `${JSON.stringify({ event: "done", thrown, returned, longest, works })}\n`);
process.exit(0);
