/**
 * Scenarios of the whole send path: the caller's `SocketWriter`, the ring, the slot queue and the doorbell, the networking thread's
 * `Sender`, Node's socket. The socket reads the ring until it calls back. Test code.
 */

import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import { callerChannel, callerLink, type Fabric, HANDLE_ID, queueGuard, shared, weave, workerLink } from "./fabric.js";

interface Plan {
  capacity: number;
  total: number;
  /** Most bytes that the caller writes at once. */
  piece: number;
  /** The caller waits for room as a poller does, for the slot to be queued. */
  polled?: boolean;
  calm: boolean;
}

function byteAt(index: number): number {
  return index + 1;
}

type Sender = InstanceType<Stage["product"]["Sender"]>;

/** The writing side of Node's socket: it reads the bytes at the last moment, as libuv may. */
class NodeSocket {
  private bytes: Uint8Array | null = null;
  private done: () => void = () => {};
  private sent = 0;

  constructor(private readonly stage: Stage) {}

  write(bytes: Uint8Array, done: () => void): void {
    this.bytes = bytes;
    this.done = done;
    const early = this.stage.broken === "bytes are freed before the socket's callback";
    if (early) done();
  }

  end(): void {
    this.stage.world.note("ended after", this.sent);
  }

  get events(): string[] {
    return this.bytes === null ? [] : ["written"];
  }

  happens(): void {
    const { world, broken } = this.stage;
    const bytes = this.bytes as Uint8Array;
    this.bytes = null;
    for (let i = 0; i < bytes.length; i++) {
      world.expect(`byte ${this.sent + i}`, bytes[i] as number, byteAt(this.sent + i));
    }
    this.sent += bytes.length;
    world.note("sent", this.sent);
    if (broken !== "bytes are freed before the socket's callback") this.done();
  }
}

class Worker extends LinkActor {
  protected override readonly link;
  private readonly slot;
  private readonly sender;
  private readonly socket;

  constructor(stage: Stage, plan: Plan, fabric: Fabric, bytes: Uint8Array) {
    super(stage, fabric.worker);
    const { product } = stage;
    this.link = workerLink(stage, fabric);
    this.slot = new product.Slot(this.link, { handleId: HANDLE_ID, memory: shared(fabric.slot), offset: 0 });
    this.sender = new product.Sender(this.slot, { memory: shared(bytes), offset: 0, capacity: plan.capacity });
    this.socket = new NodeSocket(stage);
    this.sender.start(this.socket as unknown as Parameters<Sender["start"]>[0]);
    this.link.handles.set(HANDLE_ID, { slot: this.slot, service: () => this.service() });
  }

  /** As `Connection` does it. */
  private service(): void {
    if (this.slot.request & this.stage.product.REQUEST_END) this.sender.end();
    this.sender.pump();
  }

  protected override events(): string[] {
    return this.socket.events;
  }

  protected override happens(): void {
    this.socket.happens();
  }
}

class Writer implements Program {
  private readonly sleeper;
  private readonly writer;
  private readonly slot;
  private written = 0;
  private writing = true;
  private readonly queue;
  /** Whether the poller must check the socket. */
  private candidate = true;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    bytes: Uint8Array,
  ) {
    const { product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const ring = new product.ByteProducer(fabric.slot, product.TX_WRITE, product.TX_READ, bytes);
    const rings = { receive: null as never, send: ring };
    const entries = product.QUEUES + product.QUEUE_CAPACITY;
    this.queue = new product.SlotQueueConsumer(fabric.link, product.TO_CALLER_WRITE, product.TO_CALLER_READ, entries);
    this.slot = fabric.slot;
    this.writer = new product.SocketWriter(callerChannel(stage, fabric, callerLink(stage, fabric), HANDLE_ID, rings));
  }

  turn(): boolean {
    if (this.writing) this.write();
    else if (this.writer.ended) return !this.awaitDrained();
    else if (this.plan.polled) this.writing = this.pollRound();
    else this.writing = waitRound(this.stage, this.sleeper, HANDLE_ID, () => this.writer.open);
    return true;
  }

  private pollRound(): boolean {
    return waitRound(this.stage, this.sleeper, this.stage.product.ANYTHING, () => this.poll());
  }

  /** As `WorkerLink.drain` and `Poller.wait` do it with a socket that is watched for room. */
  private poll(): boolean {
    const { SlotQueueConsumer, TO_CALLER_FLAG } = this.stage.product;
    while (this.queue.pop() !== -1) {
      SlotQueueConsumer.lower(this.slot, TO_CALLER_FLAG);
      this.candidate = true;
    }
    if (this.candidate) this.candidate = this.writer.open;
    return this.candidate;
  }

  private write(): void {
    const { total, piece } = this.plan;
    const wanted = Math.min(1 + this.stage.world.choose(piece), total - this.written);
    const bytes = Uint8Array.from({ length: wanted }, (_, i) => byteAt(this.written + i));
    this.written += this.writer.write(bytes, 0);
    this.writing = false;
    if (this.written === total) this.writer.end();
  }

  private awaitDrained(): boolean {
    return waitRound(this.stage, this.sleeper, HANDLE_ID, () => this.writer.drained);
  }
}

function sendScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [{ module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 2" }],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID });
      const bytes = world.bytes("ring", plan.capacity);
      world.opaque.set(plan, "plan");
      return {
        threads: [
          new ModelThread("caller", world, () => new Writer(stage, plan, fabric, bytes)),
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, bytes)),
        ],
        guard: queueGuard(stage, fabric),
        rest: (view) => {
          if (view.note("sent") !== plan.total) return `${view.note("sent")} of ${plan.total} bytes were sent`;
          if (view.note("ended after") !== plan.total) return "the stream was not ended behind its last byte";
          const pending = plan.total - view.word(fabric.slot, product.TX_READ);
          return pending === 0 ? null : `${pending} bytes are said to be pending`;
        },
      };
    },
  };
}

export const SEND_SCENARIOS: Scenario[] = [
  sendScenario(
    "send path, with time-outs",
    "Two bytes through a ring of 1, then the end; the caller waits for room, and at last until all is sent.",
    { capacity: 1, total: 2, piece: 1, calm: false },
  ),
  sendScenario("send path", "Three bytes in pieces of 1 or 2 through a ring of 2, then the end.", {
    capacity: 2,
    total: 3,
    piece: 2,
    calm: true,
  }),
  sendScenario(
    "send path, polled for room",
    "Three bytes through a ring of 1, then the end; a poller waits for room, and the caller at last until all is sent.",
    { capacity: 1, total: 3, piece: 1, polled: true, calm: true },
  ),
  sendScenario("send path, polled for room, with time-outs", "The same with two bytes.", {
    capacity: 1,
    total: 2,
    piece: 1,
    polled: true,
    calm: false,
  }),
];
