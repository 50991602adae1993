/** What a caller and a networking thread share in the scenarios of whole paths: a slot, a link, two blocks. Test code. */

import type { Exploration } from "../explorer.js";
import { labels, type Stage } from "../scenario.js";
import { overflowGuard } from "./slot-queue.js";

/** Name of the slot in the scenarios that open it only once. */
export const HANDLE_ID = 5;

/** A caller's own block, and its link to the networking thread. */
export interface Strand {
  link: Int32Array;
  caller: Int32Array;
}

export interface Fabric extends Strand {
  slot: Int32Array;
  worker: Int32Array;
}

/** Lays the four blocks out as the product does. */
export function weave(
  { world, product }: Stage,
  slotWords: Record<number, number> = {},
  workerWords: Record<number, number> = {},
): Fabric {
  const fabric = {
    ...weaveStrand({ world, product }),
    slot: world.words("slot", product.SLOT_WORDS, {
      label: labels(
        "slot",
        pick(product, [
          "HANDLE_ID",
          "STATE",
          "RX_WRITE",
          "RX_READ",
          "RX_PAUSED",
          "TX_WRITE",
          "TX_READ",
          "REQUEST",
          "TO_WORKER_FLAG",
          "TO_CALLER_FLAG",
          "ROOM_WANTED",
          "FAULT",
        ]),
      ),
      initial: (index) => slotWords[index] ?? 0,
    }),
    worker: world.words("worker", product.WORKER_BLOCK_BYTES / 4, {
      label: labels("worker", pick(product, ["DOORBELL", "SLEEPING", "LIFE", "PING", "PONG", "STOP", "LIFE_FAULT"])),
      initial: (index) => workerWords[index] ?? 0,
    }),
  };
  world.counter(fabric.worker, product.DOORBELL);
  world.opaque.set(fabric, "fabric");
  return fabric;
}

/** The blocks of one more caller; `owner` is appended to the names of their words. */
export function weaveStrand({ world, product }: Pick<Stage, "world" | "product">, owner = ""): Strand {
  const { QUEUES, QUEUE_CAPACITY } = product;
  const of = owner === "" ? "" : ` of ${owner}`;
  const linkWords = pick(product, ["TO_WORKER_WRITE", "TO_WORKER_READ", "TO_CALLER_WRITE", "TO_CALLER_READ"]);
  const linkLabel = labels("link", linkWords);
  const linkName = (index: number): string => {
    if (index < QUEUES) return linkLabel(index);
    const entry = index - QUEUES;
    return entry < QUEUE_CAPACITY ? `to worker, entry ${entry}` : `to caller, entry ${entry - QUEUE_CAPACITY}`;
  };
  const callerLabel = labels("caller", pick(product, ["SIGNAL", "INTEREST"]));
  const strand = {
    link: world.words(`link${of}`, product.LINK_BLOCK_BYTES / 4, { label: (index) => linkName(index) + of }),
    caller: world.words(`caller${of}`, product.CALLER_BLOCK_BYTES / 4, { label: (index) => callerLabel(index) + of }),
  };
  world.counter(strand.caller, product.SIGNAL);
  world.opaque.set(strand, `strand${of}`);
  return strand;
}

function pick<T extends object>(from: T, names: (keyof T)[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, from[name] as number]));
}

/** Reports a fault when one of the link's two queues overflows, or holds more than `most` entries. */
export function queueGuard(
  { product }: Stage,
  { link }: Strand,
  most = product.QUEUE_CAPACITY,
): NonNullable<Exploration["guard"]> {
  const { QUEUES, QUEUE_CAPACITY } = product;
  const toWorker = overflowGuard(link, product.TO_WORKER_WRITE, product.TO_WORKER_READ, QUEUES, QUEUE_CAPACITY, most);
  const entries = QUEUES + QUEUE_CAPACITY;
  const toCaller = overflowGuard(link, product.TO_CALLER_WRITE, product.TO_CALLER_READ, entries, QUEUE_CAPACITY, most);
  return (view, _thread, operation, array, index) =>
    toWorker(view, operation, array, index) ?? toCaller(view, operation, array, index);
}

/** The two ends of a port for notices: what the networking thread posts is the same object where `key` is. */
export function noticePort(
  { world }: Stage,
  key: (notice: object) => string,
): {
  post: { postMessage(notice: object): void };
  take: { receive(): { message: object } | undefined };
} {
  return {
    post: { postMessage: (notice) => world.post("notices", world.letter(key(notice), notice)) },
    take: {
      receive: () => {
        const letter = world.take("notices");
        return letter === -1 ? undefined : { message: world.open(letter) };
      },
    },
  };
}

/** The caller's end of a link, for `Channel`. */
export function callerLink(
  { world, product }: Stage,
  fabric: Fabric,
): ConstructorParameters<typeof product.Channel>[0] {
  const link = {
    queue: new product.SlotQueueProducer(fabric.link, product.TO_WORKER_WRITE, product.QUEUES),
    doorbell: new product.DoorbellRinger(fabric.worker),
    death: null,
    caller: nothing(world),
    takeNotices: () => {},
    traffic: { bytesRead: 0, bytesWritten: 0, dropped: 0 },
  };
  return link as unknown as ConstructorParameters<typeof product.Channel>[0];
}

type Channel = InstanceType<Stage["product"]["Channel"]>;

/** A handle's slot as the caller sees it. */
export function callerChannel(
  { product }: Stage,
  fabric: Fabric,
  link: ConstructorParameters<typeof product.Channel>[0],
  handleId: number,
  rings: Channel["rings"] = null,
): Channel {
  const reference = { handleId, memory: shared(fabric.slot), offset: 0 };
  const memory = { words: fabric.slot, reference, ringReferences: null, free() {} };
  return new product.Channel(link, handleId, memory, rings);
}

/** The networking thread's end of a link, as a rule without a port: most scenarios need no notices. */
export function workerLink(
  { world, product }: Stage,
  fabric: Fabric,
  port: object | null = null,
): InstanceType<typeof product.CallerLink> {
  return new product.CallerLink(shared(fabric.caller), shared(fabric.link), port as never, nothing(world) as never);
}

/** A place in memory, where the product's types require a SharedArrayBuffer and the model has an array. */
export function shared(array: Int32Array | Uint8Array): SharedArrayBuffer {
  return array as unknown as SharedArrayBuffer;
}

/** A calling thread, as the product's links and sockets use it. */
export class ModelCaller {
  links: unknown[] = [];
  readonly memory: SharedArrayBuffer;
  private handleId: number;

  /** `spare` is the memory of a link that the product makes by itself. */
  constructor(
    world: Stage["world"],
    readonly name: string,
    { caller }: Strand,
    readonly spare: Int32Array,
    firstHandleId: number,
  ) {
    this.memory = shared(caller);
    this.handleId = firstHandleId - 1;
    Object.defineProperty(this, "spinning", { value: nothing(world) });
  }

  nextHandleId(taken: (handleId: number) => boolean): number {
    do this.handleId++;
    while (taken(this.handleId));
    return this.handleId;
  }

  maybeCheckLiveness(): void {}

  /** One round of `Caller.wait`, set by the scenario; where the condition does not hold after it, `Again` restarts the act. */
  round: (met: () => boolean) => boolean = (met) => met();

  wait<T>(_interest: number, _deadline: unknown, met: (target: T) => boolean, target: T): boolean {
    if (this.round(() => met(target))) return true;
    throw new Again();
  }
}

/** See `ModelCaller.round`. */
export class Again extends Error {}

/** Stands for what plays no part in the protocols, such as statistics: it can be called, and has every property. */
function nothing(world: Stage["world"]): object {
  const stub: object = new Proxy(() => stub, { get: () => stub });
  world.opaque.set(stub, "nothing");
  return stub;
}
