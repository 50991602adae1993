/**
 * Scenario of a WebSocket's messages on their way out: the caller's `OutgoingMessages`, the ring of records, the slot queue and the doorbell, the
 * networking thread's `MessageSender`, an object of `ws`, which reads the ring until it calls back. Messages leave whole and in order, also in
 * pieces, and the close follows them. Test code.
 */

import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import { callerChannel, callerLink, type Fabric, HANDLE_ID, queueGuard, shared, weave, workerLink } from "./fabric.js";

/** Bytes of the ring, of the longest piece, and of a batch. */
const CAPACITY = 32;
const PIECE = 4;
const BATCH = 16;

interface Plan {
  /** Bytes of the messages. */
  lengths: number[];
  /** As in `Scenario`. */
  calm: boolean;
}

/** The bytes are numbered consecutively across all messages. */
function messagesOf({ lengths }: Plan): number[][] {
  let next = 1;
  return lengths.map((length) => Array.from({ length }, () => next++));
}

interface Frame {
  payload: Uint8Array;
  fin: boolean;
}

/** A WebSocket of `ws` and its socket as far as sending goes: it reads the bytes at the last moment, as libuv may. */
class Peer {
  private readonly frames: Frame[] = [];
  private done: (() => void) | undefined;
  private sent: number[] = [];
  private messages = 0;

  constructor(
    private readonly stage: Stage,
    private readonly expected: number[][],
  ) {}

  cork(): void {}

  uncork(): void {}

  send(payload: Uint8Array, { fin }: { fin: boolean }, done?: () => void): void {
    this.frames.push({ payload, fin });
    if (done === undefined) return;
    this.done = done;
    if (this.early) done();
  }

  close(): void {
    const { world } = this.stage;
    world.expect("the messages before the close", this.messages, this.expected.length);
    world.note("closed", 1);
  }

  get events(): string[] {
    return this.done === undefined ? [] : ["written"];
  }

  happens(): void {
    for (const frame of this.frames.splice(0)) this.check(frame);
    const { done } = this;
    this.done = undefined;
    if (!this.early) done?.();
  }

  private check({ payload, fin }: Frame): void {
    const { world } = this.stage;
    for (let i = 0; i < payload.length; i++) this.sent.push(payload[i] as number); // the ring's memory can't be iterated
    if (!fin) return;
    const expected = this.expected[this.messages] ?? [];
    world.expect(`the length of message ${this.messages}`, this.sent.length, expected.length);
    for (const [i, byte] of expected.entries()) world.expect(`byte ${i}`, this.sent[i] as number, byte);
    this.sent = [];
    this.messages++;
  }

  private get early(): boolean {
    return this.stage.broken === "records are released before ws has sent them";
  }
}

type Sender = InstanceType<Stage["product"]["MessageSender"]>;

class Worker extends LinkActor {
  protected override readonly link;
  private readonly slot;
  private readonly sender;
  private readonly peer;

  constructor(stage: Stage, plan: Plan, fabric: Fabric, bytes: Uint8Array) {
    super(stage, fabric.worker);
    const { product } = stage;
    this.link = workerLink(stage, fabric);
    this.slot = new product.Slot(this.link, { handleId: HANDLE_ID, memory: shared(fabric.slot), offset: 0 });
    const ring = { memory: shared(bytes), offset: 0, capacity: CAPACITY };
    this.peer = new Peer(stage, messagesOf(plan));
    const onClose = (): void => {
      this.peer.close();
      this.slot.endWriting();
    };
    this.sender = new product.MessageSender(this.slot, ring, onClose, () => {});
    this.sender.start(...([this.peer, this.peer] as unknown as Parameters<Sender["start"]>));
    this.link.handles.set(HANDLE_ID, { slot: this.slot, service: () => this.sender.pump() });
  }

  protected override events(): string[] {
    return this.peer.events;
  }

  protected override happens(): void {
    this.peer.happens();
  }
}

/** `WebSocket.sendWait`, reduced to its atomic operations; its timeout may pass in the middle of a long message. Then the close. */
class Writer implements Program {
  private readonly sleeper;
  private readonly outgoing;
  private readonly channel;
  private readonly slot;
  private readonly messages: number[][];
  private next = 0;
  private closed = false;
  /** What it waits for. */
  private awaits: "nothing" | "room" | "end" = "nothing";

  constructor(
    private readonly stage: Stage,
    plan: Plan,
    fabric: Fabric,
    bytes: Uint8Array,
  ) {
    const { product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    this.slot = fabric.slot;
    this.messages = messagesOf(plan);
    const rings = { send: new product.ByteProducer(fabric.slot, product.TX_WRITE, product.TX_READ, bytes) };
    this.channel = callerChannel(stage, fabric, callerLink(stage, fabric), HANDLE_ID, rings as never);
    this.outgoing = new product.OutgoingMessages(this.channel, rings as never);
  }

  turn(): boolean {
    if (this.awaits === "nothing") return this.act();
    const { awaits } = this;
    const met = (): boolean => (awaits === "room" ? this.hasRoom() : this.isSent());
    if (waitRound(this.stage, this.sleeper, HANDLE_ID, met)) this.awaits = "nothing";
    return true;
  }

  private act(): boolean {
    const { product, world } = this.stage;
    const message = this.messages[this.next];
    if (message !== undefined) {
      const bytes = Uint8Array.from(message);
      if (bytes.length <= PIECE) {
        if (this.outgoing.send(product.BINARY, bytes)) this.next++;
        else this.awaits = "room";
        return true;
      }
      if (!this.outgoing.sendRest()) {
        this.awaits = "room";
        return true;
      }
      this.next++;
      this.outgoing.begin(product.BINARY, bytes);
      if (!this.outgoing.sendRest()) {
        this.outgoing.keepRest();
        // Or the timeout has passed, and the next message is sent.
        if (world.choose(2) === 0) this.awaits = "room";
      }
      return true;
    }
    if (this.closed) return false;
    if (!this.outgoing.sendRest()) {
      this.awaits = "room";
      return true;
    }
    this.outgoing.close(1000, new Uint8Array(0));
    this.closed = true;
    this.awaits = "end";
    return true;
  }

  /** As `WebSocket.#isDrained`. */
  private isSent(): boolean {
    return this.stage.product.metOrAsk(this.slot, () => this.channel.unsent === 0, null);
  }

  /** As `WebSocket.#isWritable` and `#hasAnyRoom`. */
  private hasRoom(): boolean {
    const wanted = Math.min(PIECE, this.messages[this.next]?.length ?? 0);
    const fits = (): boolean => {
      const long = this.outgoing.rest > 0;
      return this.outgoing.sendRest() && (long || this.outgoing.hasRoom(wanted));
    };
    return this.stage.product.metOrAsk(this.slot, fits, null);
  }
}

function sentScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 2" },
      { module: "worker/message-sender", find: /BATCH_BYTES = [^;]+/, replace: `BATCH_BYTES = ${BATCH}` },
      { module: "ring/message-record", find: "MAX_REASON_BYTES = 123", replace: "MAX_REASON_BYTES = 0" },
      {
        module: "ring/message-record",
        find: "return (capacity >> 2) - RECORD_HEADER_BYTES;",
        replace: `return ${PIECE};`,
      },
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID });
      const bytes = world.bytes("ring", CAPACITY);
      world.opaque.set(plan, "plan");
      return {
        threads: [
          new ModelThread("caller", world, () => new Writer(stage, plan, fabric, bytes)),
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, bytes)),
        ],
        guard: queueGuard(stage, fabric),
        rest: (view) => {
          if (view.note("closed") !== 1) return "the close was not sent";
          return view.word(fabric.slot, product.TX_READ) === view.word(fabric.slot, product.TX_WRITE)
            ? null
            : "records are left";
        },
      };
    },
  };
}

export const SENT_MESSAGE_SCENARIOS: Scenario[] = [
  sentScenario(
    "messages sent",
    "Messages of 7 bytes, in two pieces, and 1 byte, then the close, through a ring of 32 bytes of records, in batches of two; the timeout may pass in the middle of the first.",
    { lengths: [7, 1], calm: true },
  ),
];
