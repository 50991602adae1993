/**
 * Scenarios of a connection that is handed to another thread: `TcpSocket.detach` and `attach` on the calling threads, the networking
 * thread's own `Actor` with a `Connection`. No byte and no wake-up is lost, and the slot returns to the thread that opened it, once.
 * Test code.
 */

import type { View } from "../explorer.js";
import type { Scenario, Stage } from "../scenario.js";
import { ModelThread } from "../thread.js";
import type { Operation } from "../world.js";
import { places, type Rings } from "./connection-ends.js";
import { type Fabric, HANDLE_ID, queueGuard, type Strand, weave, weaveStrand } from "./fabric.js";
import { type Act, BEGUN, FIRST_HANDLE_IDS, type Plan, SERVER, User } from "./handover-callers.js";
import { NetworkingThread } from "./networking-thread.js";
import { NodeSocket } from "./node-socket.js";

class Worker extends NetworkingThread {
  private socket: NodeSocket | null = null;

  constructor(
    stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    private readonly ends: Rings,
  ) {
    super(stage, fabric);
    if (plan.accepted === true) {
      stage.world.listeners.set("accept", () => this.open());
      this.home.handles.set(SERVER, new stage.product.Listener() as never);
    } else {
      this.open();
    }
    stage.world.post(BEGUN, 1);
  }

  private open(): void {
    const { product } = this.stage;
    const { slot, rings } = places(this.fabric, this.ends);
    const connection = new product.Connection(new product.Slot(this.home, slot), rings, 5000);
    this.socket = new NodeSocket(this.stage, this.plan, connection.onread);
    connection.take(this.socket as never, true);
    connection.opened(true);
  }

  protected override events(): string[] {
    return this.socket?.events ?? [];
  }

  protected override happens(event: string): boolean {
    this.socket?.happens(event);
    return true;
  }
}

/** Which caller a handle id belongs to. */
function ownerOf(handleId: number, plan: Plan): string {
  const number = handleId < 0 ? -1 : FIRST_HANDLE_IDS.findLastIndex((first) => handleId >= first);
  return handleId === HANDLE_ID ? (plan.callers[0]?.name as string) : (plan.callers[number]?.name ?? "no thread");
}

/** Reports a fault when a thread touches a slot or a ring that it does not own, or no longer owns. */
function ownershipGuard({ product }: Stage, plan: Plan, { slot }: Fabric, { receive, send }: Rings) {
  const home = plan.callers[0]?.name;
  return (view: View, thread: string, { kind }: Operation, array: object, index: number): string | null => {
    if ((array !== slot && array !== receive && array !== send) || kind === "note") return null;
    const state = view.word(slot, product.STATE);
    // A thread that attaches reads the slot's owner; the thread that opened it reads whether it was released.
    if (array === slot && index === product.HANDLE_ID) return null;
    if (array === slot && index === product.STATE && kind === "load" && thread === home) return null;
    if ((state & product.PHASE_MASK) === product.PHASE_RELEASED) {
      return `${thread} touches a slot that was released`;
    }
    if (thread === "worker") return null;
    const owner = ownerOf(view.word(slot, product.HANDLE_ID), plan);
    return owner === thread ? null : `${thread} touches a slot that is ${owner}'s`;
  };
}

function handoverScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.restless !== true,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: `QUEUE_CAPACITY = ${plan.capacity ?? 8}` },
      { module: "ring/layout", find: /MAX_ATTACHING = [^;]+/, replace: `MAX_ATTACHING = ${plan.capacity ?? 8}` },
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID });
      const rings = { receive: world.bytes("receive ring", plan.receive), send: world.bytes("send ring", plan.send) };
      world.opaque.set(rings, "rings");
      world.opaque.set(plan, "plan");
      // The callers' own blocks, and the links that they make when they take the connection over.
      const strands = plan.callers.map(({ name }, number) => (number === 0 ? fabric : weaveStrand(stage, name)));
      const spares = plan.callers.map(({ name }, number) => {
        return number === 0 ? weaveStrand(stage, `${name}'s second`).link : (strands[number] as Strand).link;
      });
      const queues = [
        ...strands.map((strand) => queueGuard(stage, strand)),
        queueGuard(stage, { ...fabric, link: spares[0] as Int32Array }),
      ];
      const ownership = ownershipGuard(stage, plan, fabric, rings);
      return {
        threads: [
          ...plan.callers.map(({ name }, number) => {
            const strand = strands[number] as Strand;
            const spare = spares[number] as Int32Array;
            return new ModelThread(name, world, () => new User(stage, plan, number, fabric, strand, spare, rings));
          }),
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, rings)),
        ],
        guard: (view, thread, operation, array, index) => {
          for (const guard of queues) {
            const complaint = guard(view, thread, operation, array, index);
            if (complaint !== null) return complaint;
          }
          return ownership(view, thread, operation, array, index);
        },
        rest: (view) => {
          const back = plan.callers[0]?.acts.at(-1)?.act === "get back" ? 1 : 0;
          if (view.note("given back") !== back) return `the slot was given back ${view.note("given back")} times`;
          if (view.note("sent") !== plan.outgoing) return `${view.note("sent")} of ${plan.outgoing} bytes were sent`;
          const takers = plan.callers.filter(({ name }) => view.note(`taken by ${name}`) === 1).length;
          return takers > 0 ? null : "no caller got the connection";
        },
      };
    },
  };
}

/** The acts of the giver and of the takers, and the number of bytes each way. */
function plan(giver: Act[], takers: Act[][], incoming = 0, outgoing = 0): Plan {
  return {
    incoming,
    outgoing,
    chunk: 1,
    receive: 2,
    send: 1,
    callers: [
      { name: "giver", acts: [{ act: "begin" }, ...giver] },
      ...takers.map((acts, number) => {
        const from = takers.length > 1 ? `token ${number + 1}` : "token";
        const name = takers.length > 1 ? `taker ${number + 1}` : "taker";
        return { name, acts: [{ act: "take", from } as const, ...acts] };
      }),
    ],
  };
}

const GIVE: Act = { act: "give", to: ["token"] };
const GET_BACK: Act = { act: "get back" };
const AGAIN: Act[] = [
  { act: "give", to: ["again"] },
  { act: "take", from: "again" },
];

export const HANDOVER_SCENARIOS: Scenario[] = [
  handoverScenario(
    "handed over while bytes come",
    "Three threads, here and below: a caller reads a byte or two of three through a ring of 2 and gives the connection away; the one that takes it reads the rest.",
    plan([{ act: "read", count: 1 }, GIVE], [[{ act: "read", count: 3 }]], 3),
  ),
  handoverScenario(
    "handed over and polled",
    "A caller gives a connection away; the one that takes it checks it only when it is reported, and reads a byte and the end.",
    plan([GIVE], [[{ act: "poll all" }]], 1),
  ),
  handoverScenario(
    "handed over while bytes go",
    "A caller writes a byte and gives the connection away; the one that takes it writes another, through a ring of 1.",
    plan([{ act: "write", count: 1 }, GIVE], [[{ act: "write", count: 2 }]], 0, 2),
  ),
  handoverScenario(
    "handed over and closed",
    "The caller that takes the connection closes it, and the slot goes back to the one that opened it.",
    plan([GIVE, GET_BACK], [[{ act: "close" }]]),
  ),
  handoverScenario("handed over and reset, with time-outs", "The same with a reset.", {
    ...plan([GIVE, GET_BACK], [[{ act: "reset" }]]),
    restless: true,
  }),
  handoverScenario(
    "handed over and back",
    "The caller that takes the connection gives it back, to be reset by the one that opened it.",
    plan([GIVE, { act: "take", from: "back" }, { act: "reset" }, GET_BACK], [[{ act: "give", to: ["back"] }]]),
  ),
  handoverScenario(
    "handed over to two",
    "Four threads: two callers have the same token. One of them gets the connection, and resets it.",
    plan([{ act: "give", to: ["token 1", "token 2"] }], [[{ act: "reset" }], [{ act: "reset" }]]),
  ),
  handoverScenario(
    "accepted and handed over at once",
    "The connection is given away, taken and written to before the networking thread, perhaps, has got the command that accepts it.",
    { ...plan([{ act: "accept" }, GIVE], [[{ act: "write", count: 1 }]], 0, 1), accepted: true },
  ),
  handoverScenario(
    "handed over again and again",
    "The caller that takes the connection gives it to itself twice without a check of its queue, which has one entry.",
    { ...plan([GIVE], [[...AGAIN, ...AGAIN]]), capacity: 1 },
  ),
];
