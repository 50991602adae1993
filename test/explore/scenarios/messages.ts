/**
 * Scenarios of a WebSocket's messages on their way in: the networking thread's `MessageReceiver`, the ring of records, the port of notices, flow
 * control, the slot queue and the doorbell, the caller's `IncomingMessages`. Messages arrive whole and in order, also as notices, and all of them
 * before the end. Test code.
 */

import { LinkActor, type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import {
  callerChannel,
  callerLink,
  type Fabric,
  HANDLE_ID,
  noticePort,
  queueGuard,
  shared,
  weave,
  workerLink,
} from "./fabric.js";

/** Bytes of the ring, and of the longest message that is written to it. */
const CAPACITY = 32;
const PIECE = 4;

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

/** The port of messages that are too long for the ring. */
function portOf(stage: Stage): ReturnType<typeof noticePort> {
  return noticePort(stage, (notice) => {
    const { bytes } = notice as { bytes: ArrayBuffer };
    const name = `message ${new Uint8Array(bytes).join()}`;
    stage.world.opaque.set(bytes, name);
    return name;
  });
}

/** What `ws` does: delivers messages while it is not paused, and one more that it had read before. Then comes a close. */
class Peer {
  private sent = 0;
  private closed = false;
  private paused = false;
  private ahead = false;
  private readonly messages: number[][];

  constructor(
    plan: Plan,
    private readonly stage: Stage,
    private readonly receiver: InstanceType<Stage["product"]["MessageReceiver"]>,
    private readonly onEnd: () => void,
  ) {
    this.messages = messagesOf(plan);
    receiver.pause = () => {
      this.paused = this.ahead = true;
    };
    receiver.resume = () => {
      this.paused = false;
    };
  }

  get events(): string[] {
    if (this.closed || (this.paused && !this.ahead)) return [];
    return [this.sent < this.messages.length ? "arrival" : "close"];
  }

  happens(event: string): void {
    const { product } = this.stage;
    this.ahead = false;
    if (event === "arrival") {
      this.receiver.message(product.BINARY, Uint8Array.from(this.messages[this.sent++] as number[]));
      return;
    }
    this.closed = true;
    this.receiver.message(product.CLOSE, new Uint8Array(0));
    this.receiver.finish(this.onEnd);
  }
}

class Worker extends LinkActor {
  protected override readonly link;
  private readonly slot;
  private readonly receiver;
  private readonly peer;

  constructor(stage: Stage, plan: Plan, fabric: Fabric, bytes: Uint8Array) {
    super(stage, fabric.worker);
    const { product } = stage;
    this.link = workerLink(stage, fabric, portOf(stage).post);
    this.slot = new product.Slot(this.link, { handleId: HANDLE_ID, memory: shared(fabric.slot), offset: 0 });
    this.receiver = new product.MessageReceiver(this.slot, { memory: shared(bytes), offset: 0, capacity: CAPACITY });
    this.peer = new Peer(plan, stage, this.receiver, () => this.slot.endReading());
    this.link.handles.set(HANDLE_ID, { slot: this.slot, service: () => this.receiver.maybeResume() });
  }

  protected override events(): string[] {
    return this.peer.events;
  }

  protected override happens(event: string): void {
    this.peer.happens(event);
  }
}

/** `WebSocket.receive`, reduced to its atomic operations. */
class Reader implements Program {
  private readonly sleeper;
  private readonly channel;
  private readonly incoming;
  private readonly notices;
  private readonly expected: number[][];
  private received = 0;
  private awake = true;

  constructor(
    private readonly stage: Stage,
    plan: Plan,
    fabric: Fabric,
    bytes: Uint8Array,
  ) {
    const { product } = stage;
    this.expected = messagesOf(plan);
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const receive = new product.ByteConsumer(fabric.slot, product.RX_WRITE, product.RX_READ, bytes);
    const link = Object.assign(callerLink(stage, fabric), { takeNotices: () => this.notices.take() });
    this.channel = callerChannel(stage, fabric, link, HANDLE_ID);
    const channels = new Map([[HANDLE_ID, this.channel]]);
    this.notices = new product.Notices(fabric.link, portOf(stage).take as never, channels);
    this.incoming = new product.IncomingMessages(this.channel, { receive } as never);
  }

  turn(): boolean {
    if (this.awake) return this.take();
    this.awake = waitRound(this.stage, this.sleeper, HANDLE_ID, () => this.incoming.next() >= 0 || this.ended);
    return true;
  }

  private take(): boolean {
    const { world } = this.stage;
    if (this.incoming.next() >= 0) {
      const message = [...(this.incoming.take() as Uint8Array)];
      const expected = this.expected[this.received] ?? [];
      world.expect(`the length of message ${this.received}`, message.length, expected.length);
      for (const [i, byte] of expected.entries()) world.expect(`byte ${i}`, message[i] as number, byte);
      this.received++;
      return true;
    }
    // Messages that were written before the end may have come since the last check.
    if (this.ended && this.incoming.next() < 0) {
      world.expect("the messages before the end", this.received, this.expected.length);
      if (this.incoming.close === null) world.fail("the end came without the close before it");
      return false;
    }
    this.awake = this.ended;
    return true;
  }

  private get ended(): boolean {
    return (this.channel.state & this.stage.product.READ_ENDED) !== 0;
  }
}

function messageScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.calm,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 2" },
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
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, bytes)),
          new ModelThread("caller", world, () => new Reader(stage, plan, fabric, bytes)),
        ],
        guard: queueGuard(stage, fabric),
        rest: (view) => {
          if ((view.word(fabric.slot, product.STATE) & product.READ_ENDED) === 0) return "the end was never published";
          return view.word(fabric.slot, product.RX_READ) === view.word(fabric.slot, product.RX_WRITE)
            ? null
            : "messages are left";
        },
      };
    },
  };
}

export const MESSAGE_SCENARIOS: Scenario[] = [
  messageScenario(
    "messages received",
    "Messages of 4, 1 and 4 bytes, then the close, through a ring of 32 bytes of records, which has no room for the last message at first; what arrives next may arrive while reading is stopped.",
    { lengths: [4, 1, 4], calm: true },
  ),
  messageScenario(
    "long messages received",
    "Messages of 33 bytes, 1 byte and 5 bytes, of which the first and the last come in notices, then the close. The first takes all the room that there is.",
    { lengths: [33, 1, 5], calm: true },
  ),
];
