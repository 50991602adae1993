/**
 * A random walk over the API, next to a simple model of it: `node walk.js <steps> <seed> <echo port> <certificate as JSON> <empty folder>`.
 *
 * The model of a connection is two streams of known bytes: how many were sent, how many were read, whether the stream
 * was ended, and whether a reset cut it. Some connections go to an echo server, where both streams are one; others to a
 * server of our own, where both ends take part. After each step the results are compared with the model. Handles that
 * were closed stay in the walk: every call on them fails.
 */

import { writeSync } from "node:fs";
import { cancel, createRuntime, Deadline, NetError, Poller, poll, TcpSocket } from "ringnet";
import { settle } from "../../leaks/programs/ledger.js";
import { pattern } from "../../support/bytes.js";
import { makeAsides } from "./asides.js";
import { Random } from "./random.js";

const [steps, seed, echoPort] = [Number(process.argv[2]), Number(process.argv[3]), Number(process.argv[4])];
/** A certificate for localhost and its key. */
const identity = JSON.parse(process.argv[5]);
const random = new Random(seed);
const asides = makeAsides(random, process.argv[6]);
const asidesDone = {};
const host = "127.0.0.1";
/** Lingers longer than a walk: bytes written before a close are sent however late the other end reads. */
const runtime = createRuntime({ lingerMs: 120_000, receiveBuffer: 1 << 15, sendBuffer: 1 << 15 });
const MOST_ENDS = 8;
const log = [];
let verified = 0;
let streams = 0;
let named = 0;
let secured = 0;

function must(condition, what) {
  if (!condition) throw new Error(what);
}

/** What a call returned, or the code of the NetError that it threw; any other error fails the walk. */
function attempt(call) {
  try {
    return { value: call(), code: null };
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return { value: undefined, code: error.code };
  }
}

/** The same timeout as a number or a deadline. */
function within(milliseconds) {
  return random.chance(0.3) ? new Deadline(milliseconds) : milliseconds;
}

class Stream {
  seed = ++streams;
  sent = 0;
  received = 0;
  ended = false;
  /** A reset happened: the reader gets the first bytes of what was sent, then an error or nothing. */
  cut = false;

  get outstanding() {
    return this.sent - this.received;
  }
}

class End {
  name = `end ${++named}`;

  constructor(socket, incoming, outgoing) {
    this.socket = socket;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.closed = false;
    this.ended = false;
    /** Whether a server accepted it, and whether another thread could have it: then TLS is not started on it. */
    this.accepted = false;
    this.attached = false;
  }

  /** Takes bytes that were read and compares them with what was sent. */
  took(bytes) {
    const stream = this.incoming;
    must(bytes.length <= stream.outstanding, `${bytes.length} bytes came, but only ${stream.outstanding} were sent`);
    must(
      pattern(stream.seed, stream.received, bytes.length).equals(bytes),
      `other bytes than those sent, after ${stream.received}`,
    );
    stream.received += bytes.length;
    verified += bytes.length;
  }

  /** The stream reported its end. */
  sawEnd() {
    const { ended, outstanding, cut } = this.incoming;
    must(cut || (ended && outstanding === 0), `an end, but ended is ${ended} and ${outstanding} bytes are missing`);
  }

  /** A call failed. */
  failed(code, allowed = []) {
    if (allowed.includes(code)) return;
    must(this.incoming.cut || this.outgoing.cut, `${code} without a reason`);
    must(["ECONNRESET", "EPIPE", "ECANCELED", "ERR_STREAM_PREMATURE_CLOSE"].includes(code), `${code} after a reset`);
  }

  get whole() {
    return !this.incoming.cut && !this.outgoing.cut;
  }
}

const ends = [];
const server = random.chance(0.5) ? runtime.listen({ host }) : runtime.listen({ bound: runtime.bindTcp({ host }) });
const poller = new Poller();
const watched = new Set();
const rings = () => ({ receiveBuffer: 2 ** (12 + random.below(6)), sendBuffer: 2 ** (12 + random.below(6)) });

const reading = {
  read(end) {
    const max = random.chance(0.3) ? undefined : random.below(20_000);
    const { value, code } = attempt(() => end.socket.read(max));
    if (code !== null) end.failed(code);
    else if (value === null) end.sawEnd();
    else end.took(value);
  },
  readInto(end) {
    const target = Buffer.alloc(random.below(20_000));
    const { value, code } = attempt(() => end.socket.readInto(target));
    if (code !== null) end.failed(code);
    else if (value === null) end.sawEnd();
    else end.took(target.subarray(0, value));
  },
  peek(end) {
    const { value, code } = attempt(() => end.socket.peek());
    if (code !== null) return end.failed(code);
    if (value === null) return end.sawEnd();
    must(value.length <= end.incoming.outstanding, "peek shows more than was sent");
    const count = random.below(value.length + 1);
    const copy = Buffer.from(value.subarray(0, count));
    end.socket.consume(count);
    end.took(copy);
  },
  readExactly(end) {
    const { incoming } = end;
    const there = incoming.outstanding;
    const count = random.chance(0.7) ? random.below(there + 1) : there + 1 + random.below(100);
    const expected = count <= there && end.whole;
    const { value, code } = attempt(() => end.socket.readExactly(count, within(expected ? 20_000 : random.below(10))));
    if (code === null && value !== null) {
      must(value.length === count, "readExactly gave another number of bytes");
      end.took(value);
    } else if (code === null) end.sawEnd();
    else if (code === "ERR_STREAM_PREMATURE_CLOSE")
      must(incoming.cut || (incoming.ended && count > there), "ended too early");
    else end.failed(code, expected ? [] : ["ETIMEDOUT"]);
  },
  readUntil(end) {
    const { incoming } = end;
    const delimiter = Buffer.of(random.below(256));
    const { value, code } = attempt(() =>
      end.socket.readUntil(delimiter, within(random.below(5)), { maxLength: 5000 }),
    );
    if (code === null && value === null) end.sawEnd();
    else if (code === null) {
      must(value.indexOf(delimiter) === value.length - 1, "readUntil gave bytes behind the delimiter");
      end.took(value);
    } else if (code === "ERR_STREAM_PREMATURE_CLOSE") must(incoming.cut || incoming.ended, "ended too early");
    else end.failed(code, ["ETIMEDOUT", "EMSGSIZE"]);
  },
  waitUntilReadable(end) {
    const { incoming } = end;
    const expected = end.whole && incoming.outstanding > 0;
    const { value, code } = attempt(() => end.socket.waitUntilReadable(within(expected ? 20_000 : random.below(5))));
    must(code === null, `waitUntilReadable threw ${code}`);
    if (expected) must(value === true, "bytes that were sent did not come");
    else if (value) must(!end.whole || incoming.ended, "readable, but there is nothing");
  },
};

const writing = {
  write(end) {
    const bytes = pattern(end.outgoing.seed, end.outgoing.sent, random.size(60_000));
    const { value, code } = attempt(() => end.socket.write(bytes));
    if (code !== null) return end.failed(code, end.ended ? ["EPIPE"] : []);
    must(!end.ended, "write after end");
    must(value >= 0 && value <= bytes.length, `write took ${value}`);
    end.outgoing.sent += value;
  },
  writeAll(end) {
    const bytes = pattern(end.outgoing.seed, end.outgoing.sent, random.size(60_000));
    const before = end.socket.bytesWritten;
    const { code } = attempt(() => end.socket.writeAll(bytes, within(random.below(20))));
    const taken = end.socket.bytesWritten - before;
    must(code !== null || taken === bytes.length, "writeAll took another number of bytes");
    end.outgoing.sent += taken;
    if (code !== null) end.failed(code, end.ended ? ["EPIPE"] : ["ETIMEDOUT"]);
  },
  writeAllPieces(end) {
    const bytes = pattern(end.outgoing.seed, end.outgoing.sent, random.size(60_000));
    const pieces = [];
    for (let at = 0; at < bytes.length; ) {
      const length = random.below(Math.min(bytes.length - at, 20_000) + 1);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    const before = end.socket.bytesWritten;
    const { code } = attempt(() => end.socket.writeAll(pieces, within(random.below(20))));
    const taken = end.socket.bytesWritten - before;
    must(code !== null || taken === bytes.length, "writeAll took another number of bytes of several");
    end.outgoing.sent += taken;
    if (code !== null) end.failed(code, end.ended ? ["EPIPE"] : ["ETIMEDOUT"]);
  },
  claim(end) {
    const { value, code } = attempt(() => end.socket.claim(random.chance(0.5) ? undefined : random.size(60_000)));
    if (code !== null) return end.failed(code, end.ended ? ["EPIPE"] : []);
    must(!end.ended, "claim after end");
    const { sendBuffer } = end.socket.options;
    must(value.length <= end.socket.writable && value.length <= sendBuffer, "claim shows more than there is room for");
    value.set(pattern(end.outgoing.seed, end.outgoing.sent, value.length));
    const count = random.below(value.length + 1);
    const commit = attempt(() => end.socket.commit(count));
    if (commit.code !== null) return end.failed(commit.code);
    end.outgoing.sent += count;
    let refused = false;
    try {
      end.socket.commit(1);
    } catch (error) {
      refused = error instanceof RangeError || error instanceof NetError;
    }
    must(refused, "commit took what was not claimed");
  },
  waitUntil(end) {
    const interest = random.of([{ readable: true }, { writable: true }, { readable: true, writable: true }]);
    const { value, code } = attempt(() => end.socket.waitUntil(interest, within(random.below(5))));
    must(code === null, `waitUntil threw ${code}`);
    must(
      !(value.readable && !interest.readable) && !(value.writable && !interest.writable),
      "waitUntil says what was asked",
    );
    if (value.readable)
      must(end.socket.readable > 0 || attempt(() => end.socket.peek()).value?.length !== 0, "nothing to read");
  },
  modify(end) {
    const interest = random.of([{ readable: true }, { readable: true, writable: true }]);
    must(poller.modify(end.socket, interest) === watched.has(end), "modify says whether it is watched");
  },
  waitUntilWritable(end) {
    const { code } = attempt(() => end.socket.waitUntilWritable(within(random.below(5))));
    if (code !== null) end.failed(code, end.ended ? ["EPIPE"] : []);
  },
  waitUntilDrained(end) {
    const { value, code } = attempt(() => end.socket.waitUntilDrained(within(random.below(20))));
    if (code !== null) end.failed(code);
    else must(value >= 0 && value <= end.outgoing.sent, `${value} bytes are pending`);
  },
  end(end) {
    const { code } = attempt(() => end.socket.end());
    must(code === null, `end threw ${code}`);
    end.ended = true;
    end.outgoing.ended = true;
  },
};

const others = {
  options(end) {
    end.socket.setNoDelay(random.chance(0.5));
    end.socket.setKeepAlive(random.chance(0.5), random.below(5000));
  },
  /** A wait that can't be met, and one that may be met: the cancellation then stays pending for the next wait. */
  cancel(end) {
    const canceller = structuredClone(end.socket.canceller());
    if (random.chance(0.5)) {
      cancel(canceller);
      const { value, code } = attempt(() => end.socket.waitUntilReadable(20_000));
      must(code === "ERR_CANCELLED" || value === true, `a cancelled wait gave ${value ?? code}`);
      if (code !== null) return;
    } else cancel(canceller);
    const { code } = attempt(() => poll([{ handle: end.socket, readable: false, writable: false }], 20_000));
    must(code === "ERR_CANCELLED", `a cancelled poll gave ${code}`);
  },
  /** Both ends of a connection of ours begin TLS, once nothing is on its way. The one that was accepted is the server. */
  startTls(end) {
    const other = ends.find((each) => each.incoming === end.outgoing && each.outgoing === end.incoming);
    const begun = [end, other];
    if (other === undefined || other === end || end.socket.encrypted || !begun.every(mayStartTls)) return;
    for (const each of begun) readOutstanding(each);
    const [client, accepted] = end.accepted ? [other, end] : [end, other];
    const options = { key: identity.key, cert: identity.cert, isServer: true };
    // In one thread neither can wait for the other: the client starts, then the server, and then the client's handshake is awaited.
    const hello = attempt(() => client.socket.startTls({ ca: identity.cert, servername: "localhost" }, 0));
    must(hello.code === "ETIMEDOUT", `startTls without an answer gave ${hello.code}`);
    must(client.socket.write("in plain text") === 0 && client.socket.writable === 0, "written during the handshake");
    must(client.socket.read().length === 0, "read during the handshake");
    if (random.chance(0.5)) accepted.socket.waitUntilReadable(20_000); // the first bytes of TLS are read ahead
    const { code } = attempt(() => accepted.socket.startTls(options, 20_000));
    must(code === null, `startTls of the server gave ${code}`);
    must(client.socket.waitUntilConnected(20_000) === "success", `startTls failed: ${client.socket.error?.message}`);
    must(client.socket.authorized && accepted.socket.encrypted, "TLS says that it is none");
    secured++;
  },
  state(end) {
    const { socket, incoming, outgoing } = end;
    must(socket.bytesRead === incoming.received, `bytesRead is ${socket.bytesRead}, not ${incoming.received}`);
    must(socket.bytesWritten === outgoing.sent, `bytesWritten is ${socket.bytesWritten}, not ${outgoing.sent}`);
    must(socket.readable <= incoming.outstanding, "more is readable than was sent");
    must(socket.remoteAddress === host && socket.localAddress === host && socket.remotePort > 0, "addresses are wrong");
    if (end.whole)
      must(socket.status === "success" && socket.error === null, `${socket.status}: ${socket.error?.message}`);
    if (end.ended) must(socket.writable === 0, "writable after end");
  },
  detach(end) {
    const { value: token, code } = attempt(() => end.socket.detach());
    if (code !== null) return end.failed(code);
    const old = end.socket;
    must(old.closed && old.status === "failure", "a detached handle is closed");
    forget(end);
    const posted = structuredClone(token);
    end.socket = TcpSocket.attach(posted);
    end.attached = true;
    must(attempt(() => TcpSocket.attach(posted)).code === "ERR_SOCKET_DETACHED", "a token was attached twice");
  },
  watch(end) {
    if (watched.has(end) && random.chance(0.5)) {
      must(poller.delete(end.socket), "it was watched");
      watched.delete(end);
    } else {
      poller.add(end.socket);
      watched.add(end);
    }
  },
  close(end) {
    if (random.chance(0.3)) end.socket[Symbol.dispose]();
    else end.socket.close();
    end.closed = true;
    end.outgoing.ended = true;
    // What the other end writes from now on is lost.
    if (end.incoming !== end.outgoing) end.incoming.cut = true;
    leave(end);
  },
  reset(end) {
    end.socket.reset();
    end.closed = true;
    end.incoming.cut = end.outgoing.cut = true;
    leave(end);
  },
};

function mayStartTls({ whole, ended, attached }) {
  return whole && !ended && !attached;
}

/** Reads all that is on its way to this end. */
function readOutstanding(end) {
  const { incoming, socket } = end;
  while (incoming.outstanding > 0) end.took(socket.readExactly(Math.min(incoming.outstanding, 4000), 20_000));
}

/** The poller reports a closed handle once, and then no longer watches it. */
function forget(end) {
  if (!watched.delete(end)) return;
  must([...poller.wait(0)].includes(end.socket), "a closed handle is reported");
  must(!poller.has(end.socket), "and then it is not watched any more");
}

const graves = [];
function leave(end) {
  forget(end);
  ends.splice(ends.indexOf(end), 1);
  graves.push(end.socket);
  if (graves.length > 20) graves.shift();
}

/** Calls on a handle that was closed, to be compared with what they must return or throw. */
const POSTHUMOUS = {
  canceller: (socket) => socket.canceller(),
  read: (socket) => socket.read(),
  readInto: (socket) => socket.readInto(Buffer.alloc(5)),
  peek: (socket) => socket.peek(),
  consume: (socket) => socket.consume(0),
  write: (socket) => socket.write("x"),
  writeAll: (socket) => socket.writeAll("x", -1),
  readExactly: (socket) => socket.readExactly(1, -1),
  readLine: (socket) => socket.readLine(-1),
  readUntil: (socket) => socket.readUntil("x", -1),
  readAll: (socket) => socket.readAll(-1),
  waitUntilReadable: (socket) => socket.waitUntilReadable(-1),
  waitUntil: (socket) => socket.waitUntil({ readable: true }, -1),
  waitUntilWritable: (socket) => socket.waitUntilWritable(-1),
  waitUntilDrained: (socket) => socket.waitUntilDrained(-1),
  pendingWrites: (socket) => socket.pendingWrites,
  end: (socket) => socket.end(),
  setNoDelay: (socket) => socket.setNoDelay(true),
  setKeepAlive: (socket) => socket.setKeepAlive(true),
  detach: (socket) => socket.detach(),
};

function exhume(socket) {
  const name = random.of(Object.keys(POSTHUMOUS));
  log.push(`closed.${name}`);
  const { code } = attempt(() => POSTHUMOUS[name](socket));
  must(code === "ERR_SOCKET_CLOSED", `${name} of a closed connection gave ${code}`);
  socket.close();
  socket.reset();
  socket[Symbol.dispose]();
  must(
    socket.closed && socket.status === "failure" && socket.error?.code === "ERR_SOCKET_CLOSED",
    "a closed connection says so",
  );
  must(socket.readable === 0 && socket.writable === 0 && !socket.ready, "a closed connection has nothing to offer");
  must(socket.waitUntilConnected(-1) === "failure", "a closed connection does not wait");
  must(poll([socket], -1)[0] === socket, "poll reports a closed handle");
}

function openEcho() {
  const stream = new Stream();
  const socket = runtime.connect({ host, port: echoPort, timeout: 10_000, ...rings() });
  ends.push(new End(socket, stream, stream));
}

function openPair() {
  const [there, back] = [new Stream(), new Stream()];
  const bound = random.chance(0.3) ? runtime.bindTcp({ host }) : undefined;
  const client = runtime.connect({ host, port: server.port, ...rings(), ...(bound ? { bound } : {}) });
  const accepted = server.acceptWait(10_000);
  must(client.waitUntilConnected(10_000) === "success", "a connection to our own server");
  must(accepted.remotePort === client.localPort, "another client was accepted");
  must(
    bound === undefined || (bound.closed && bound.port === client.localPort),
    "connected from another port than the bound one",
  );
  must(server.accept() === null, "no other client waits");
  ends.push(new End(client, back, there), new End(accepted, there, back));
  ends.at(-1).accepted = true;
}

function pollSome() {
  const some = ends.filter(() => random.chance(0.5));
  const found = poll(
    some.map(({ socket }) => socket),
    random.below(5),
  );
  for (const socket of found) {
    const end = some.find((each) => each.socket === socket);
    must(end !== undefined, "poll gave a handle that it was not given");
    const { outstanding, ended } = end.incoming;
    must(
      outstanding > 0 || ended || !end.whole || socket.status === "success",
      "poll reports a connection with nothing to do",
    );
  }
  for (const end of some) {
    if (end.socket.readable > 0) must(poll([end.socket], 0).length === 1, "poll does not see readable bytes");
  }
  for (const socket of poller.wait(within(random.below(3)))) {
    must(
      [...watched].some((end) => end.socket === socket),
      "the poller gave a handle that it does not watch",
    );
  }
}

function step() {
  if (ends.length < 2 || (ends.length < MOST_ENDS && random.chance(0.02))) {
    const open = random.of([openEcho, openPair]);
    log.push(open.name);
    return open();
  }
  if (graves.length > 0 && random.chance(0.05)) return exhume(random.of(graves));
  if (random.chance(0.05)) {
    log.push("poll");
    return pollSome();
  }
  if (random.chance(0.005)) {
    const name = random.of(Object.keys(asides));
    log.push(name);
    asidesDone[name] = (asidesDone[name] ?? 0) + 1;
    return asides[name](runtime);
  }
  const end = random.of(ends);
  const kind = random.weighted([
    [45, reading],
    [40, writing],
    [10, others],
  ]);
  let name = random.of(Object.keys(kind));
  // Ends are rare, because most calls fail after one; not when both sides have ended.
  const over = end.ended && end.incoming.ended && end.incoming.outstanding === 0;
  if (["end", "close", "reset"].includes(name) && random.chance(0.8)) name = kind === writing ? "write" : "state";
  if (over && random.chance(0.3)) name = "close";
  log.push(`${end.name}: ${name} (in ${end.incoming.received}/${end.incoming.sent}, out ${end.outgoing.sent})`);
  (over && name === "close" ? others : kind)[name](end);
}

/** Reads what is left on an end, to its last byte where nothing was cut. */
function finish(end) {
  attempt(() => end.socket.end());
  end.outgoing.ended = true;
}

try {
  for (let i = 0; i < steps; i++) step();
  for (const end of ends) finish(end);
  // Each stream to its end, a piece of each in turn, so that no stream waits for another.
  const open = new Set(ends);
  const deadline = performance.now() + 30_000;
  while (open.size > 0) {
    must(performance.now() < deadline, `the last bytes of ${open.size} streams do not come`);
    for (const end of open) {
      const { value, code } = attempt(() => end.socket.read());
      if (value === null || code !== null) {
        if (code !== null) end.failed(code);
        else end.sawEnd();
        open.delete(end);
      } else end.took(value);
    }
  }
  for (const { socket } of ends) socket.reset();
  server.close();
  settle(runtime);
  writeSync(1, `${JSON.stringify({ event: "done", verified, streams, secured, asides: asidesDone })}\n`);
} catch (error) {
  writeSync(2, `${error.stack}\nseed ${seed}; the last steps:\n${log.slice(-60).join("\n")}\n`);
  process.exitCode = 1;
}
process.exit();
