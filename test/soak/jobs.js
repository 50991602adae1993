/**
 * What the soak does on its connections: each job is a small state machine that never blocks for long, and that checks every byte.
 *
 * A job fails with an error only if something was done that explains it (`excuse`); anything else is a finding.
 */

import { cancel, Deadline, NetError, TcpSocket } from "ringnet";
import { pattern } from "../support/bytes.js";

const host = "127.0.0.1";
/** A job without progress for this long, in ms, hangs. */
const STUCK = 60_000;
const NOTHING = Buffer.alloc(0);
let seeds = 0;

export class Finding extends Error {}

/** What all jobs have in common. */
class Job {
  done = false;
  /** The fault that was caused on purpose and explains a failure; null: it must not fail. */
  excuse = null;
  #moved = performance.now();

  /** @param {string} name @param {import("../fuzz/programs/random.js").Random} random */
  constructor(name, random) {
    this.name = name;
    this.random = random;
  }

  /** Records progress. */
  moved() {
    this.#moved = performance.now();
  }

  /** Does what can be done now. Returns the bytes that were verified. */
  step() {
    try {
      const before = this.verified ?? 0;
      this.act();
      if (!this.done && performance.now() - this.#moved > STUCK) throw new Finding(`${this.describe()} hangs`);
      return (this.verified ?? 0) - before;
    } catch (error) {
      this.end();
      if (!(error instanceof NetError)) throw error;
      if (this.excuse === null)
        throw new Finding(`${this.describe()} failed for no reason: ${error.code} ${error.stack}`);
      this.failedWith = error.code;
      return 0;
    }
  }

  end() {
    this.done = true;
    this.handle?.close();
  }

  describe() {
    return this.name;
  }
}

/** A stream each way over one connection, at the same time. */
export class Exchange extends Job {
  verified = 0;
  #sent = 0;
  #received = 0;
  #verdict = "";
  #head;
  #handedOver = false;

  /** `socket`: to a peer that waits for commands. `excuse` covers everything that the peer can do to it. */
  constructor(socket, kind, random) {
    super(`exchange over ${kind}`, random);
    this.handle = socket;
    this.kind = kind;
    const bytes = () =>
      random.weighted([
        [3, random.size(2000)],
        [5, random.size(200_000)],
        [2, random.size(3_000_000)],
        [0.3, 10_000_000 + random.below(20_000_000)], // more than the system's own buffers hold
      ]);
    this.incoming = { seed: ++seeds, bytes: bytes(), piece: random.size(100_000), pause: random.chance(0.1) ? 1 : 0 };
    this.outgoing = { seed: ++seeds, bytes: bytes(), slow: random.chance(0.15) };
    this.incoming.piece += this.incoming.bytes >> 8; // millions of pieces would keep the peer from serving its other connections
    // Either side may break it off in the middle.
    this.fault = random.chance(0.1)
      ? { after: random.below(this.incoming.bytes), how: random.of(["reset", "end", "destroy"]) }
      : null;
    if (this.fault !== null) this.excuse = `the peer's ${this.fault.how}`;
    this.givesUp = random.chance(0.05) ? random.below(this.incoming.bytes) : Number.POSITIVE_INFINITY;
    this.#head = Buffer.from(`${JSON.stringify({ send: this.incoming, receive: this.outgoing, fault: this.fault })}\n`);
    this.wants = random.of(["readInto", "read", "peek", "readExactly"]);
    this.inPlace = random.chance(0.3);
    this.buffer = Buffer.alloc(random.of([100, 5000, 70_000, 400_000]));
  }

  act() {
    const { handle } = this;
    if (handle.status === "waiting") return;
    if (!this.#handedOver && this.#received > 0 && this.random.chance(0.02)) {
      this.#handedOver = true;
      this.handle = TcpSocket.attach(structuredClone(handle.detach()));
      this.onNewHandle?.(handle, this.handle);
    }
    this.#write();
    this.#read();
    if (this.verified >= this.givesUp) {
      if (this.random.chance(0.5)) this.handle.reset();
      this.end();
    }
  }

  #write() {
    const { handle } = this;
    if (this.#head.length > 0) {
      this.#head = this.#head.subarray(handle.write(this.#head));
      if (this.#head.length > 0) return;
    }
    for (let pieces = 0; this.#sent < this.outgoing.bytes && pieces < 4; pieces++) {
      const length = Math.min(this.random.size(120_000), this.outgoing.bytes - this.#sent, handle.writable);
      if (length === 0) break;
      const count = this.inPlace ? this.#writeInPlace(length) : this.#writeCopy(length);
      if (count > 0) this.moved();
      this.#sent += count;
      if (this.#sent === this.outgoing.bytes && this.random.chance(0.5)) handle.end();
    }
  }

  #writeCopy(length) {
    const bytes = pattern(this.outgoing.seed, this.#sent, length);
    const count = this.handle.write(bytes);
    bytes.fill(0); // it is ours again
    return count;
  }

  #writeInPlace(length) {
    const span = this.handle.claim(length);
    span.set(pattern(this.outgoing.seed, this.#sent, span.length));
    this.handle.commit(span.length);
    return span.length;
  }

  /** What it waits for next; a program asks for room only while it has something to write. */
  get interest() {
    return { readable: true, writable: this.#head.length > 0 || this.#sent < this.outgoing.bytes };
  }

  /** Whether there are bytes to read, or there is room that it waits for. */
  get due() {
    const { handle } = this;
    return handle.readable > 0 || (this.interest.writable && handle.writable > 0);
  }

  #read() {
    for (let pieces = 0; pieces < 4 && !this.done; pieces++) {
      const bytes = this.#take();
      if (bytes === null) return this.#ended();
      if (bytes.length === 0) return;
      this.moved();
      this.#check(bytes);
    }
  }

  /** Received bytes, read in one way or another; `null` at the end. */
  #take() {
    const { handle, buffer } = this;
    const left = this.incoming.bytes - this.#received;
    if (left > 0 && this.wants === "readExactly" && this.excuse === null) {
      const count = Math.min(left, buffer.length, 4096); // the smallest ring never holds more at once
      if (handle.readable < count && handle.status === "success") return NOTHING;
      return handle.readExactly(count, 0) ?? NOTHING;
    }
    if (this.wants === "readInto") {
      const count = handle.readInto(buffer);
      return count === null ? null : buffer.subarray(0, count);
    }
    if (this.wants === "peek") {
      const view = handle.peek();
      if (view === null) return null;
      const copy = Buffer.from(view.subarray(0, this.random.size(100_000)));
      handle.consume(copy.length);
      return copy;
    }
    return handle.read(this.random.size(100_000));
  }

  #check(bytes) {
    const left = this.incoming.bytes - this.#received;
    const data = bytes.subarray(0, left);
    if (!data.equals(pattern(this.incoming.seed, this.#received, data.length))) {
      throw new Finding(`${this.describe()}: other bytes than those sent, after ${this.#received}`);
    }
    this.#received += data.length;
    this.verified += data.length;
    this.#verdict += bytes.subarray(left < 0 ? 0 : data.length).toString("latin1");
  }

  #ended() {
    const whole =
      this.#received === this.incoming.bytes && this.#sent === this.outgoing.bytes && this.#verdict === "good";
    if (!whole && this.excuse === null) {
      throw new Finding(`${this.describe()} ended after ${this.#received} bytes, with the verdict "${this.#verdict}"`);
    }
    if (whole) this.verified += this.outgoing.bytes; // the peer has compared them
    if (this.#verdict === "bad!") throw new Finding(`${this.describe()}: other bytes arrived than were sent`);
    this.end();
  }

  describe() {
    const { incoming, outgoing } = this;
    const state = `in ${this.#received}/${incoming.bytes}, out ${this.#sent}/${outgoing.bytes}, status ${this.handle.status}`;
    return `${this.name} (${state}, excuse ${this.excuse})`;
  }
}

/** An exchange over TLS that is started on a connection in plain text. */
export class Upgraded extends Exchange {
  #stage = "ask";

  act() {
    const { handle } = this;
    if (handle.status === "waiting") return;
    if (this.#stage === "ask") {
      handle.writeAll('{"startTls":true}\n', 20_000);
      this.#stage = "answer";
    }
    if (this.#stage === "answer") {
      if (!handle.waitUntilReadable(0)) return;
      const answer = handle.readLine(20_000);
      if (answer === null) throw new NetError({ code: "ECONNRESET", message: "the peer ended" });
      if (answer !== "go") throw new Finding(`${answer} came in plain text`);
      this.#stage = "within";
      handle.startTls({ rejectUnauthorized: false }, 20_000);
      this.moved();
    }
    super.act();
  }
}

/** Lines there and back, with calls that block. */
export class Lines extends Job {
  verified = 0;

  constructor(runtime, port, random) {
    super("lines", random);
    this.handle = runtime.connect({ host, port, timeout: 20_000 });
    this.left = random.size(50);
    this.handle.writeAll('{"lines":true}\n', 20_000);
  }

  act() {
    const line = `line ${this.left} ${"x".repeat(this.random.size(5000))}`;
    this.handle.writeAll(`${line}\r\n`, 20_000);
    const deadline = new Deadline(20_000);
    if (this.random.chance(0.1)) this.#cancel(deadline);
    this.handle.waitUntil({ readable: true }, deadline);
    const answer = this.handle.readLine(deadline);
    if (answer === null) throw new NetError({ code: "ECONNRESET", message: "the peer ended" });
    if (answer !== line) throw new Finding(`another line came back: ${answer.slice(0, 80)}`);
    this.verified += 2 * line.length;
    this.moved();
    if (--this.left > 0) return;
    this.handle.end();
    if (this.handle.readAll(20_000).length > 0) throw new Finding("more came back than was sent");
    this.end();
  }

  /** Cancels the wait for a line that is longer than what may come: it ends at once, and nothing is lost. */
  #cancel(deadline) {
    cancel(this.handle.canceller());
    let bytes;
    try {
      bytes = this.handle.readExactly(1_000_000, deadline);
    } catch (error) {
      if (error.code === "ERR_CANCELLED") return;
      throw error;
    }
    if (bytes === null) throw new NetError({ code: "ECONNRESET", message: "the peer ended" });
    throw new Finding("a cancelled wait brought bytes that were not sent");
  }
}

/** Numbered datagrams there and back. They may be lost, but not changed or repeated. */
export class Datagrams extends Job {
  verified = 0;
  #sent = 0;
  #seen = new Set();
  #target = Buffer.alloc(4000);

  constructor(runtime, port, random) {
    super("datagrams", random);
    this.handle = runtime.bindUdp({ host });
    this.port = port;
    this.count = random.size(1000);
    this.excuse = "the peer may be gone";
  }

  #datagram(number) {
    const bytes = Buffer.alloc(4 + ((number * 37) % 3000));
    bytes.writeUInt32BE(number);
    pattern(number, 0, bytes.length - 4).copy(bytes, 4);
    return bytes;
  }

  #receive() {
    if (this.random.chance(0.5)) return this.handle.receive();
    const received = this.handle.receiveInto(this.#target);
    return received === null ? null : { data: this.#target.subarray(0, received.length) };
  }

  act() {
    for (let i = 0; i < 50 && this.#sent < this.count; i++) {
      if (!this.handle.send(this.#datagram(this.#sent), this.port, host)) break;
      this.#sent++;
      this.moved();
    }
    for (let datagram = this.#receive(); datagram !== null; datagram = this.#receive()) {
      const number = datagram.data.readUInt32BE();
      if (!datagram.data.equals(this.#datagram(number))) throw new Finding(`datagram ${number} was changed`);
      if (this.#seen.has(number)) throw new Finding(`datagram ${number} came twice`);
      this.#seen.add(number);
      this.verified += datagram.data.length;
      this.moved();
    }
    if (this.#sent === this.count && !this.handle.waitUntilReadable(5)) this.end();
  }
}

/** The ways in which a program ends, of `ending-program.js`. */
export const ENDINGS = [
  "process.exit",
  "an uncaught error",
  "SIGTERM with a handler",
  "process.exit beside a worker thread",
  "terminate(worker)",
];

/** A program that ends while it has bytes to send: all arrive, or there is a reset. */
export class Ending extends Job {
  verified = 0;
  #head = "";
  #order = null;
  /** When reading begins, in ms. By then the program may have ended, with bytes that were not yet passed to the system. */
  #begin;

  /** `socket`: from that program. */
  constructor(socket, random) {
    super("the end of a program", random);
    this.handle = socket;
    this.excuse = "what it could not send in time ends in a reset";
    this.#begin = performance.now() + random.below(1500);
  }

  act() {
    if (performance.now() < this.#begin) return;
    for (let bytes = this.handle.read(); bytes === null || bytes.length > 0; bytes = this.handle.read()) {
      if (bytes === null) return this.#ended();
      this.moved();
      this.#take(bytes);
    }
  }

  #take(bytes) {
    let data = bytes;
    if (this.#order === null) {
      const end = bytes.indexOf(10);
      this.#head += bytes.subarray(0, end < 0 ? bytes.length : end).toString("latin1");
      if (end < 0) return;
      this.#order = JSON.parse(this.#head);
      data = bytes.subarray(end + 1);
    }
    if (!data.equals(pattern(this.#order.seed, this.verified, data.length))) {
      throw new Finding(`${this.describe()}: other bytes than those sent`);
    }
    this.verified += data.length;
  }

  #ended() {
    const complete = this.#order === null ? this.#head === "" : this.verified === this.#order.bytes;
    if (!complete) throw new Finding(`${this.describe()}: a clean end in the middle`);
    this.end();
  }

  describe() {
    return `${this.name} by ${this.#order?.how}, ${this.verified} of ${this.#order?.bytes} bytes`;
  }
}
