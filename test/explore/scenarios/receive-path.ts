/**
 * Scenarios of the whole receive path: Node's socket, the networking thread's `Receiver`, the ring, flow control, the slot queue
 * and the doorbell, the caller's `ReadBuffer`. A paused connection is always resumed, and no byte is lost. Test code.
 */

import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import { callerChannel, callerLink, type Fabric, HANDLE_ID, queueGuard, shared, weave, workerLink } from "./fabric.js";

interface Plan {
  capacity: number;
  total: number;
  /** The most bytes that the kernel has at once. */
  chunk: number;
  /** Most bytes that the caller reads at once. */
  piece: number;
  /** Whether the kernel reads straight into the ring (`onread`), or 'data' events bring the bytes. */
  direct: boolean;
  calm: boolean;
  /**
   * Whether each piece counts as part of a long stream, of which a sleeping caller is notified late. The stream falls silent
   * without an end, which would wake the caller anyway.
   */
  bulk?: boolean;
}

function byteAt(index: number): number {
  return index + 1;
}

type Receiver = InstanceType<Stage["product"]["Receiver"]>;

/** The reading side of Node's socket, with Node's order of calls. */
class NodeSocket {
  private paused = false;
  private arrived = 0;
  private ended = false;
  /** Fetched right after each callback, even after one that stopped the reading, and used when it continues. */
  private buffer: Uint8Array | null;

  constructor(
    private readonly plan: Plan,
    private readonly receiver: Receiver,
    private readonly onEnd: () => void,
  ) {
    this.buffer = plan.direct ? receiver.nextBuffer() : null;
  }

  get events(): string[] {
    if (this.ended) return [];
    if (this.arrived < this.plan.total) return this.paused ? [] : ["bytes"];
    if (this.plan.bulk === true) return [];
    // A paused handle sees no end, but a stream above it, TLS say, may have read on.
    return this.paused && this.plan.direct ? [] : ["end"];
  }

  happens(event: string): void {
    if (event === "bytes") this.read();
    else {
      this.ended = true;
      this.receiver.finish(this.onEnd);
    }
  }

  resume(): void {
    this.paused = false;
  }

  private read(): void {
    const { total, chunk } = this.plan;
    const count = Math.min(chunk, total - this.arrived, this.buffer?.length ?? chunk);
    const target = this.buffer ?? new Uint8Array(count);
    for (let i = 0; i < count; i++) target[i] = byteAt(this.arrived + i);
    this.arrived += count;
    const goOn = this.buffer === null ? this.receiver.chunk(target) : this.receiver.received(count);
    if (this.buffer !== null) this.buffer = this.receiver.nextBuffer();
    if (!goOn) this.paused = true;
  }
}

class Worker extends LinkActor {
  protected override readonly link;
  private readonly slot;
  private readonly receiver;
  private readonly socket;

  constructor(stage: Stage, plan: Plan, fabric: Fabric, bytes: Uint8Array) {
    super(stage, fabric.worker);
    const { product } = stage;
    this.link = workerLink(stage, fabric);
    this.slot = new product.Slot(this.link, { handleId: HANDLE_ID, memory: shared(fabric.slot), offset: 0 });
    this.receiver = new product.Receiver(this.slot, { memory: shared(bytes), offset: 0, capacity: plan.capacity });
    this.socket = new NodeSocket(plan, this.receiver, () => this.slot.endReading());
    this.receiver.resume = () => this.socket.resume();
    this.link.handles.set(HANDLE_ID, { slot: this.slot, service: () => this.receiver.maybeResume() });
  }

  protected override events(): string[] {
    return this.socket.events;
  }

  protected override happens(event: string): void {
    this.socket.happens(event);
  }
}

class Reader implements Program {
  private readonly sleeper;
  private readonly channel;
  private readonly buffer;
  private received = 0;
  private reading = false;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    bytes: Uint8Array,
  ) {
    const { product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const ring = new product.ByteConsumer(fabric.slot, product.RX_WRITE, product.RX_READ, bytes);
    this.channel = callerChannel(stage, fabric, callerLink(stage, fabric), HANDLE_ID);
    this.buffer = new product.ReadBuffer(this.channel, ring);
  }

  turn(): boolean {
    if (this.reading) return this.read();
    // The end is checked first: when it is published, all bytes are in the ring.
    this.reading = waitRound(this.stage, this.sleeper, HANDLE_ID, () => this.ended || this.buffer.readable > 0);
    return true;
  }

  private read(): boolean {
    const { world } = this.stage;
    this.reading = false;
    const { ended } = this;
    const target = new Uint8Array(1 + world.choose(this.plan.piece));
    const count = this.buffer.read(target);
    for (let i = 0; i < count; i++) {
      world.expect(`byte ${this.received + i}`, target[i] as number, byteAt(this.received + i));
    }
    this.received += count;
    if (this.plan.bulk === true && this.received === this.plan.total) return false;
    if (count > 0 || !ended) return true;
    world.expect("the end's position", this.received, this.plan.total);
    return false;
  }

  private get ended(): boolean {
    return (this.channel.state & this.stage.product.READ_ENDED) !== 0;
  }
}

function receiveScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 2" },
      { module: "worker/receiver", find: /SPILL = new Uint8Array\([^)]*\)/, replace: "SPILL = new Uint8Array(2)" },
      ...(plan.bulk === true
        ? [{ module: "worker/receiver", find: /BULK_BYTES = [^;]+/, replace: "BULK_BYTES = 1" }]
        : []),
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID });
      const bytes = world.bytes("ring", plan.capacity);
      world.opaque.set(plan, "plan");
      return {
        threads: [
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, bytes)),
          new ModelThread("caller", world, () => new Reader(stage, plan, fabric, bytes)),
        ],
        guard: queueGuard(stage, fabric),
        rest: (view) => {
          const read = view.word(fabric.slot, product.RX_READ);
          if (read !== plan.total) return `the caller has got ${read} of ${plan.total} bytes`;
          if (plan.bulk === true) return null;
          return (view.word(fabric.slot, product.STATE) & product.READ_ENDED) !== 0
            ? null
            : "the end was never published";
        },
      };
    },
  };
}

export const RECEIVE_SCENARIOS: Scenario[] = [
  receiveScenario(
    "receive path, with time-outs",
    "Three bytes, two at a time, through a ring of 2; any wait may run out of time, anything may run the worker's loop.",
    { capacity: 2, total: 3, chunk: 2, piece: 2, direct: true, calm: false },
  ),
  receiveScenario(
    "receive path, read into the ring",
    "Five bytes from a socket whose reads land in a ring of 2, or in the spill buffer when it is full; the caller reads 1 or 2 at a time and sleeps in between.",
    { capacity: 2, total: 5, chunk: 2, piece: 2, direct: true, calm: true },
  ),
  receiveScenario(
    "receive path, 'data' events",
    "Five bytes in chunks of up to 3 that are copied into a ring of 2, with overflow; the end may come while reading is stopped.",
    { capacity: 2, total: 5, chunk: 3, piece: 2, direct: false, calm: true },
  ),
  receiveScenario(
    "receive path, delayed wake-ups",
    "Four bytes, one at a time, then silence; a sleeping caller is woken when a quarter of the ring of 8 has arrived, or no more arrives.",
    { capacity: 8, total: 4, chunk: 1, piece: 2, direct: true, calm: true, bulk: true },
  ),
];
