/**
 * Scenarios of TLS that begins on an open connection: the networking thread's `Connection` gives TLS what was read ahead, and the
 * caller's `Channel` continues where TLS begins. Test code.
 *
 * TLS itself is a stand-in: the peer's first byte of it completes the handshake, and a byte is enciphered by setting a bit.
 */

import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import type { Rings } from "./connection-ends.js";
import { callerChannel, callerLink, type Fabric, HANDLE_ID, noticePort, queueGuard, shared, weave } from "./fabric.js";

const COMMANDS = "commands";
/** The bit that is set in a byte within TLS. */
const SECRET = 64;

interface Plan {
  receiveRing: number;
  sendRing: number;
  /** Bytes that come in plain text, before that of the handshake, and within TLS; and the most that come at once. */
  plainIn: number;
  secretIn: number;
  chunk: number;
  /** Bytes that are written before TLS is started, and within it. */
  plainOut: number;
  secretOut: number;
  calm: boolean;
}

type Connection = InstanceType<Stage["product"]["Connection"]>;
type HandshakeEnd = { done(socket: unknown): void };

/** What the peer sends: its bytes are numbered, and enciphered after the one of the handshake. */
function sentByPeer({ plainIn }: Plan, index: number): number {
  return index > plainIn ? (index + 1) | SECRET : index + 1;
}

/** The network as this side sees it: the bytes that arrive and that are sent. */
class Wire {
  arrived = 0;
  private sent = 0;
  private outgoing: Uint8Array | null = null;
  private written: () => void = () => {};

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
  ) {}

  get left(): number {
    return this.plan.plainIn + 1 + this.plan.secretIn - this.arrived;
  }

  next(): number {
    return sentByPeer(this.plan, this.arrived++);
  }

  /** Checks that everything written in plain text has been sent. */
  beginTls(): void {
    this.stage.world.expect("the number of bytes sent before TLS", this.sent, this.plan.plainOut);
    if (this.outgoing !== null) this.stage.world.fail("a byte in plain text is under way when TLS begins");
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.outgoing = bytes;
    this.written = written;
  }

  get busy(): boolean {
    return this.outgoing !== null;
  }

  /** The kernel takes what was written; `secret` where TLS enciphers it. */
  take(secret: number): void {
    const { world } = this.stage;
    const bytes = this.outgoing as Uint8Array;
    this.outgoing = null;
    for (let i = 0; i < bytes.length; i++) {
      const index = this.sent + i;
      if (index >= this.plan.plainOut && secret === 0) world.fail(`byte ${index} goes out in plain text`);
      world.expect(`byte ${index} on the wire`, (bytes[i] as number) | secret, (index + 1) | secret);
    }
    this.sent += bytes.length;
    world.note("sent", this.sent);
    this.written();
  }
}

/** The socket in plain text, which reads straight into the ring until TLS takes it over. */
class PlainSocket {
  /** What was given back for TLS to begin with. */
  early: Uint8Array = new Uint8Array(0);
  private paused = false;
  private buffer: Uint8Array;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    readonly wire: Wire,
    private readonly onread: Connection["onread"],
  ) {
    this.buffer = onread.buffer();
  }

  on(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  unshift(bytes: Uint8Array): void {
    this.early = bytes;
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.wire.write(bytes, written);
  }

  destroy(): void {
    this.stage.world.fail("the connection is given up");
  }

  get events(): string[] {
    const events = !this.paused && this.wire.left > 0 ? ["bytes"] : [];
    return this.wire.busy ? [...events, "written"] : events;
  }

  happens(event: string): void {
    if (event === "written") this.wire.take(0);
    else this.read();
  }

  private read(): void {
    const count = Math.min(this.plan.chunk, this.wire.left, this.buffer.length);
    for (let i = 0; i < count; i++) this.buffer[i] = this.wire.next();
    const goOn = this.onread.callback(count);
    this.buffer = this.onread.buffer();
    if (!goOn) this.paused = true;
  }
}

/** The TLS socket above it, as `takePushed` uses it. */
class SecureSocket {
  private established = false;
  private reading = false;
  private early: Uint8Array;
  private taken: number;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    private readonly wire: Wire,
    below: PlainSocket,
    private readonly end: HandshakeEnd,
  ) {
    this.early = below.early;
    this.taken = plan.plainIn;
    wire.beginTls();
  }

  on(): void {}
  setNoDelay(): void {}

  push(_bytes: Uint8Array): boolean {
    return this.stage.world.fail("bytes of TLS stay in the stream");
  }

  read(): null {
    return null;
  }

  _read(): void {
    this.reading = true;
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.wire.write(bytes, written);
  }

  destroy(): void {
    this.stage.world.fail("the TLS connection is given up");
  }

  get events(): string[] {
    const there = this.early.length + this.wire.left > 0;
    const events = there && (this.reading || !this.established) ? ["bytes"] : [];
    return this.wire.busy ? [...events, "written"] : events;
  }

  happens(event: string): void {
    if (event === "written") this.wire.take(SECRET);
    else if (this.established) this.decipher();
    else {
      this.next();
      this.established = true;
      this.end.done(this);
    }
  }

  private decipher(): void {
    const count = Math.min(this.plan.chunk, this.early.length + this.wire.left);
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.next() & ~SECRET;
    if (!this.push(bytes)) this.reading = false;
  }

  private next(): number {
    const byte = this.early.length > 0 ? (this.early[0] as number) : this.wire.next();
    this.early = this.early.slice(1);
    this.stage.world.expect(`byte ${this.taken} for TLS`, byte, sentByPeer(this.plan, this.taken));
    this.taken++;
    return byte;
  }
}

class Worker extends LinkActor {
  protected override readonly link;
  private readonly wire;
  private readonly connection;
  private socket: PlainSocket | SecureSocket;
  protected override readonly port = COMMANDS;

  constructor(
    stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    rings: Rings,
  ) {
    super(stage, fabric.worker);
    const { world, product } = stage;
    const port = noticePort(stage, JSON.stringify).post;
    this.link = new product.CallerLink(shared(fabric.caller), shared(fabric.link), port as never, () => {});
    const slot = new product.Slot(this.link, { handleId: HANDLE_ID, memory: shared(fabric.slot), offset: 0 });
    const pair = {
      receive: { memory: shared(rings.receive), offset: 0, capacity: plan.receiveRing },
      send: { memory: shared(rings.send), offset: 0, capacity: plan.sendRing },
    };
    this.connection = new product.Connection(slot, pair as ConstructorParameters<typeof product.Connection>[1], 5000);
    this.wire = new Wire(stage, plan);
    this.socket = new PlainSocket(stage, plan, this.wire, this.connection.onread);
    this.connection.take(this.socket as never, true);
    this.connection.opened(true);
    world.listeners.set("tls", (start) => this.begin(start as { below: PlainSocket; end: HandshakeEnd }));
  }

  private begin({ below, end }: { below: PlainSocket; end: HandshakeEnd }): void {
    this.socket = new SecureSocket(this.stage, this.plan, this.wire, below, end);
  }

  protected override events(): string[] {
    return this.socket.events;
  }

  protected override happens(event: string): void {
    const { world } = this.stage;
    if (event !== "message") this.socket.happens(event);
    else this.connection.startTls(world.open(world.take(COMMANDS)) as never, null as never, null as never);
  }
}

/** Writes and reads in plain text, starts TLS, and at once begins to write and read the bytes within TLS. */
class Caller implements Program {
  private readonly sleeper;
  private readonly channel;
  private readonly buffer;
  private readonly writer;
  private readonly notices;
  private written = 0;
  private received = 0;
  private state: "write" | "answer" | "sent" | "start" | "talk" | "wait" | "drain" = "write";

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    rings: Rings,
  ) {
    const { world, product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const receive = new product.ByteConsumer(fabric.slot, product.RX_WRITE, product.RX_READ, rings.receive);
    const send = new product.ByteProducer(fabric.slot, product.TX_WRITE, product.TX_READ, rings.send);
    const link = Object.assign(callerLink(stage, fabric), {
      takeNotices: () => this.notices.take(),
      post: (command: { early: Uint8Array }) =>
        world.post(COMMANDS, world.letter(`start TLS with ${command.early.join()}`, command)),
    });
    this.channel = callerChannel(stage, fabric, link, HANDLE_ID, { receive, send });
    this.buffer = new product.ReadBuffer(this.channel, receive);
    this.writer = new product.SocketWriter(this.channel);
    const port = noticePort(stage, JSON.stringify).take;
    this.notices = new product.Notices(fabric.link, port as never, new Map([[HANDLE_ID, this.channel]]));
  }

  turn(): boolean {
    switch (this.state) {
      case "write":
        this.write(this.plan.plainOut);
        this.state = "answer";
        break;
      case "answer":
        if (this.plan.plainIn > 0 && !this.wait(() => this.buffer.readable > 0)) break;
        this.read(this.plan.plainIn);
        this.state = "sent";
        break;
      // The steps of TcpSocket.startTls.
      case "sent":
        if (this.stage.broken !== "TLS is started before all is sent" && !this.wait(() => this.writer.drained)) break;
        this.state = "start";
        break;
      case "start":
        this.channel.startTls({} as never, false, this.buffer.takeAll());
        this.state = "talk";
        break;
      case "talk":
        this.write(this.plan.plainOut + this.plan.secretOut);
        this.read(2);
        this.state = this.complete ? "drain" : "wait";
        break;
      case "wait":
        if (this.wait(() => this.buffer.readable > 0 || (this.unwritten > 0 && this.writer.open))) this.state = "talk";
        break;
      case "drain":
        return !this.wait(() => this.writer.drained);
    }
    return true;
  }

  private wait(condition: () => boolean): boolean {
    return waitRound(this.stage, this.sleeper, HANDLE_ID, condition);
  }

  private get unwritten(): number {
    return this.plan.plainOut + this.plan.secretOut - this.written;
  }

  private get complete(): boolean {
    return this.unwritten === 0 && this.received === this.plan.plainIn + this.plan.secretIn;
  }

  /** Writes up to byte number `end`. */
  private write(end: number): void {
    if (this.written === end) return;
    const bytes = Uint8Array.from({ length: end - this.written }, (_, i) => this.written + i + 1);
    this.written += this.writer.write(bytes, 0);
  }

  /** The caller does not get the byte of the handshake. */
  private read(most: number): void {
    const count = Math.min(most, this.buffer.readable);
    if (count === 0) return;
    const bytes = new Uint8Array(count);
    this.buffer.read(bytes);
    for (const byte of bytes) {
      const expected = this.received < this.plan.plainIn ? this.received + 1 : this.received + 2;
      this.stage.world.expect(`byte ${this.received}`, byte, expected);
      this.received++;
    }
  }
}

function startTlsScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 2" },
      { module: "worker/receiver", find: /SPILL = new Uint8Array\([^)]*\)/, replace: "SPILL = new Uint8Array(2)" },
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID });
      const rings = {
        receive: world.bytes("receive ring", plan.receiveRing),
        send: world.bytes("send ring", plan.sendRing),
      };
      world.opaque.set(plan, "plan");
      world.opaque.set(rings, "rings");
      return {
        threads: [
          new ModelThread("caller", world, () => new Caller(stage, plan, fabric, rings)),
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, rings)),
        ],
        guard: queueGuard(stage, fabric),
        rest: (view) => {
          const sent = view.note("sent");
          const all = plan.plainOut + plan.secretOut;
          return sent === all ? null : `${sent} of ${all} bytes were sent`;
        },
      };
    },
  };
}

export const START_TLS_SCENARIOS: Scenario[] = [
  startTlsScenario(
    "TLS started while bytes come",
    "A byte in plain text, then TLS, which the peer begins at once: its handshake and a byte more may be read ahead into a ring of 2; the caller reads the two bytes behind the handshake.",
    { receiveRing: 2, sendRing: 1, plainIn: 1, secretIn: 2, chunk: 2, plainOut: 0, secretOut: 0, calm: true },
  ),
  startTlsScenario(
    "TLS started while bytes go",
    "The caller writes a byte, waits until it is sent, starts TLS, and at once tries to write another, through a ring of 1.",
    { receiveRing: 2, sendRing: 1, plainIn: 0, secretIn: 0, chunk: 1, plainOut: 1, secretOut: 1, calm: true },
  ),
];
