/**
 * Scenarios of a connection that is handed to another thread: `TcpSocket.detach` and `attach` on the calling threads, the networking
 * thread's own `Actor` with a `Connection`. No byte is lost, no wake-up, and the slot comes back to the thread that opened it, once.
 * Test code.
 */

import type { View } from "../explorer.js";
import { type Scenario, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import type { Operation } from "../world.js";
import { type Fabric, GENERATION, ModelClient, queueGuard, type Strand, shared, weave, weaveStrand } from "./fabric.js";
import { BROADCAST, NetworkingThread, PORT } from "./networking-thread.js";
import { byteAt, NodeSocket, type Traffic } from "./node-socket.js";

/** Name of the server that an accepted connection comes from. */
const SERVER = 4;
/** Where the generations of the client with this number begin, beside that of the connection at home. */
const FIRST_GENERATIONS = [GENERATION + 1, 30, 40];

/** Posted by the networking thread when it has begun, so that its first steps mingle with nobody's. */
const BEGUN = "begun";

type Act =
  | { act: "begin" | "accept" }
  /** Reads until `count` bytes of the stream were read, here or before, or with `poll` the same by looking only when it was told. */
  | { act: "read" | "poll"; count: number }
  /** Reads until the peer's end was told. */
  | { act: "read all" | "poll all" }
  /** Writes until `count` bytes of the stream were written. */
  | { act: "write"; count: number }
  | { act: "give"; to: string[] }
  /** Takes the connection over, or finds that another was faster and is done. */
  | { act: "take"; from: string }
  | { act: "close" }
  | { act: "reset" }
  /** Waits until the slot was given back. */
  | { act: "get back" };

interface Plan extends Traffic {
  outgoing: number;
  receive: number;
  send: number;
  /** What each client does; the first opened the connection. */
  clients: { name: string; acts: Act[] }[];
  /** Whether the networking thread hears of the connection only by the command that accepts it. */
  accepted?: boolean;
  restless?: boolean;
}

interface Rings {
  receive: Uint8Array;
  send: Uint8Array;
}

type Reference = ConstructorParameters<Stage["product"]["Slot"]>[1];
type RingPair = ConstructorParameters<Stage["product"]["Connection"]>[1];

/** Where the slot and its rings are, as commands say it. */
function places({ slot }: Fabric, { receive, send }: Rings): { slot: Reference; rings: RingPair } {
  return {
    slot: { generation: GENERATION, memory: shared(slot), offset: 0 },
    rings: {
      receive: { memory: shared(receive), offset: 0, capacity: receive.length },
      send: { memory: shared(send), offset: 0, capacity: send.length },
    },
  };
}

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
      stage.world.listeners.set("adopt", () => this.open());
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

class User implements Program {
  private readonly client: ModelClient;
  private readonly sleeper;
  private link: InstanceType<Stage["product"]["WorkerLink"]> | null = null;
  private socket: InstanceType<Stage["product"]["TcpSocket"]> | null = null;
  private next = 0;
  /** Whether the poller shall look at the connection; a new one it looks at anyway. */
  private candidate = true;
  private endTold = false;
  private freed = 0;

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    private readonly number: number,
    private readonly fabric: Fabric,
    strand: Strand,
    spare: Int32Array,
    rings: Rings,
  ) {
    const { world, product } = stage;
    const { name } = plan.clients[number] as Plan["clients"][number];
    this.client = new ModelClient(world, name, strand, spare, FIRST_GENERATIONS[number] as number);
    this.sleeper = new product.SignalSleeper(strand.client);
    if (number === 0) this.open(rings);
  }

  /** The connection at the thread that opens it. An accepted one it uses before the networking thread knows its slot. */
  private open(ends: Rings): void {
    const { world, product } = this.stage;
    const { client, fabric } = this;
    const { slot, rings } = places(fabric, ends);
    const port = { postMessage: () => world.post(PORT, world.letter("adopt", { type: "adopt", server: SERVER })) };
    this.link = new product.WorkerLink(
      client as never,
      BROADCAST,
      shared(fabric.worker),
      shared(fabric.link),
      port as never,
    );
    const channel = new product.Channel(
      this.link,
      GENERATION,
      slot,
      rings,
      fabric.slot,
      {
        receive: new product.ByteConsumer(fabric.slot, product.RX_WRITE, product.RX_READ, ends.receive),
        send: new product.ByteProducer(fabric.slot, product.TX_WRITE, product.TX_READ, ends.send),
      },
      () => world.note("given back", ++this.freed),
    );
    this.link.adopt(channel);
    this.use(new product.TcpSocket(channel, { noDelay: true, keepAlive: false, keepAliveDelay: 0 }, true));
  }

  turn(): boolean {
    const { acts } = this.plan.clients[this.number] as Plan["clients"][number];
    this.stage.world.client = this.client;
    const act = acts[this.next] as Act;
    const done = this.does(act);
    if (done === "never") return false;
    if (done) this.next++;
    return this.next < acts.length;
  }

  private does(act: Act): boolean | "never" {
    const { world } = this.stage;
    const socket = this.socket as NonNullable<typeof this.socket>;
    switch (act.act) {
      case "begin":
        world.loop([], false, BEGUN);
        world.take(BEGUN);
        return true;
      case "accept":
        this.link?.post({ type: "adopt" } as never);
        return true;
      case "read":
      case "poll":
        if (socket.bytesRead < act.count) this.await(act.act === "poll");
        return socket.bytesRead >= act.count;
      case "read all":
      case "poll all":
        if (!this.endTold) this.await(act.act === "poll all");
        return this.endTold;
      case "write":
        return this.write(act.count);
      case "give": {
        const { slot, ...token } = socket.detach();
        this.socket = null;
        const state = `${token.state.bytesRead} read, ${token.state.bytesWritten} written`;
        for (const to of act.to) world.post(to, world.letter(`${this.client.name}: ${state}`, { slot, ...token }));
        return true;
      }
      case "take":
        return this.take(act.from);
      case "close":
        socket.close();
        return true;
      case "reset":
        socket.reset();
        return true;
      case "get back":
        return waitRound(this.stage, this.sleeper, this.stage.product.ANYTHING, () => this.gotBack());
    }
  }

  private use(socket: NonNullable<User["socket"]>): void {
    this.socket = socket;
    this.candidate = true;
    const watcher = { candidate: () => this.toldToLook(), handleClosed: () => {} };
    socket.watch(watcher as never);
  }

  private toldToLook(): void {
    this.candidate = true;
  }

  private drain(): void {
    for (const link of this.client.links as { drain(): void }[]) link.drain();
  }

  private gotBack(): boolean {
    this.drain();
    return this.freed > 0;
  }

  /** One round of a wait for bytes or the end, which then are read. */
  private await(polls: boolean): void {
    const { product } = this.stage;
    if (polls) waitRound(this.stage, this.sleeper, product.ANYTHING, () => this.poll() && this.read());
    else waitRound(this.stage, this.sleeper, this.generation, () => this.read());
  }

  /** As `Poller.wait`: whoever was queued is a candidate, and stays one as long as it is ready. */
  private poll(): boolean {
    this.drain();
    if (this.candidate) this.candidate = this.socket?.ready === true;
    return this.candidate;
  }

  /** The name of the connection here: the last that this client gave. */
  private get generation(): number {
    return (this.socket as unknown as { __channel: { generation: number } }).__channel.generation;
  }

  private read(): boolean {
    const { world } = this.stage;
    const socket = this.socket as NonNullable<typeof this.socket>;
    const before = socket.bytesRead;
    const target = new Uint8Array(2);
    const count = socket.readInto(target);
    if (count === null) {
      this.endTold = true;
      world.expect("the end's position", before, this.plan.incoming);
      return true;
    }
    for (let i = 0; i < count; i++) world.expect(`byte ${before + i}`, target[i] as number, byteAt(before + i));
    return count > 0;
  }

  private write(count: number): boolean {
    const socket = this.socket as NonNullable<typeof this.socket>;
    const { bytesWritten } = socket;
    if (bytesWritten >= count) return true;
    const bytes = Uint8Array.from({ length: count - bytesWritten }, (_, i) => byteAt(bytesWritten + i));
    if (socket.write(bytes) > 0) return socket.bytesWritten >= count;
    waitRound(this.stage, this.sleeper, this.generation, () => socket.writable > 0);
    return false;
  }

  private take(from: string): boolean | "never" {
    const { world, product } = this.stage;
    world.loop([], false, from);
    const token = world.open(world.take(from));
    try {
      this.use(product.TcpSocket.attach(token as never));
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_SOCKET_DETACHED") throw error;
      return "never";
    }
    world.note(`taken by ${this.client.name}`, 1);
    return true;
  }
}

/** Which client a generation belongs to. */
function ownerOf(generation: number, plan: Plan): string {
  const number = generation < 0 ? -1 : FIRST_GENERATIONS.findLastIndex((first) => generation >= first);
  return generation === GENERATION ? (plan.clients[0]?.name as string) : (plan.clients[number]?.name ?? "nobody");
}

/** Complains when a thread touches a slot or a ring that is not its own, or not any more. */
function ownershipGuard({ product }: Stage, plan: Plan, { slot }: Fabric, { receive, send }: Rings) {
  const home = plan.clients[0]?.name;
  return (view: View, thread: string, { kind }: Operation, array: object, index: number): string | null => {
    if ((array !== slot && array !== receive && array !== send) || kind === "note") return null;
    const state = view.word(slot, product.STATE);
    // Who takes a token over looks whose the slot is; the thread that opened it, whether it was released.
    if (array === slot && index === product.GENERATION) return null;
    if (array === slot && index === product.STATE && kind === "load" && thread === home) return null;
    if ((state & product.PHASE_MASK) === product.PHASE_RELEASED) {
      return `${thread} touches a slot that was released`;
    }
    if (thread === "worker") return null;
    const owner = ownerOf(view.word(slot, product.GENERATION), plan);
    return owner === thread ? null : `${thread} touches a slot that is ${owner}'s`;
  };
}

function handoverScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: plan.restless !== true,
    edits: [{ module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 8" }],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(stage, { [product.STATE]: product.PHASE_OPEN, [product.GENERATION]: GENERATION });
      const rings = { receive: world.bytes("receive ring", plan.receive), send: world.bytes("send ring", plan.send) };
      world.opaque.set(rings, "rings");
      world.opaque.set(plan, "plan");
      // The clients' own blocks, and the links that they make when they take the connection over.
      const strands = plan.clients.map(({ name }, number) => (number === 0 ? fabric : weaveStrand(stage, name)));
      const spares = plan.clients.map(({ name }, number) => {
        return number === 0 ? weaveStrand(stage, `${name}'s second`).link : (strands[number] as Strand).link;
      });
      const queues = [
        ...strands.map((strand) => queueGuard(stage, strand)),
        queueGuard(stage, { ...fabric, link: spares[0] as Int32Array }),
      ];
      const ownership = ownershipGuard(stage, plan, fabric, rings);
      return {
        threads: [
          ...plan.clients.map(({ name }, number) => {
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
          const back = plan.clients[0]?.acts.at(-1)?.act === "get back" ? 1 : 0;
          if (view.note("given back") !== back) return `the slot was given back ${view.note("given back")} times`;
          if (view.note("sent") !== plan.outgoing) return `${view.note("sent")} of ${plan.outgoing} bytes were sent`;
          const takers = plan.clients.filter(({ name }) => view.note(`taken by ${name}`) === 1).length;
          return takers > 0 ? null : "nobody has got the connection";
        },
      };
    },
  };
}

/** What the giver does, what the takers do; the bytes that come and go. */
function plan(giver: Act[], takers: Act[][], incoming = 0, outgoing = 0): Plan {
  return {
    incoming,
    outgoing,
    chunk: 1,
    receive: 2,
    send: 1,
    clients: [
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

export const HANDOVER_SCENARIOS: Scenario[] = [
  handoverScenario(
    "handed over while bytes come",
    "Three threads, here and below: a client reads a byte or two of three through a ring of 2 and gives the connection away; the one that takes it reads the rest.",
    plan([{ act: "read", count: 1 }, GIVE], [[{ act: "read", count: 3 }]], 3),
  ),
  handoverScenario(
    "handed over and polled",
    "A client gives a connection away; the one that takes it looks at it only when it is told to, and reads a byte and the end.",
    plan([GIVE], [[{ act: "poll all" }]], 1),
  ),
  handoverScenario(
    "handed over while bytes go",
    "A client writes a byte and gives the connection away; the one that takes it writes another, through a ring of 1.",
    plan([{ act: "write", count: 1 }, GIVE], [[{ act: "write", count: 2 }]], 0, 2),
  ),
  handoverScenario(
    "handed over and closed",
    "The client that takes the connection closes it, and the slot goes back to the one that opened it.",
    plan([GIVE, GET_BACK], [[{ act: "close" }]]),
  ),
  handoverScenario("handed over and reset, with time-outs", "The same with a reset.", {
    ...plan([GIVE, GET_BACK], [[{ act: "reset" }]]),
    restless: true,
  }),
  handoverScenario(
    "handed over and back",
    "The client that takes the connection gives it back, to be reset by the one that opened it.",
    plan([GIVE, { act: "take", from: "back" }, { act: "reset" }, GET_BACK], [[{ act: "give", to: ["back"] }]]),
  ),
  handoverScenario(
    "handed over to two",
    "Four threads: two clients have the same token. One of them gets the connection, and resets it.",
    plan([{ act: "give", to: ["token 1", "token 2"] }], [[{ act: "reset" }], [{ act: "reset" }]]),
  ),
  handoverScenario(
    "accepted and handed over at once",
    "The connection is given away, taken and written to before the networking thread, perhaps, has got the command that accepts it.",
    { ...plan([{ act: "accept" }, GIVE], [[{ act: "write", count: 1 }]], 0, 1), accepted: true },
  ),
];
