/**
 * Scenarios of how `TcpSocket.startTls` ends: the handshake succeeds, fails, or takes longer than its time-out, for a client and a server. The
 * calling thread's own `TcpSocket` and `WorkerLink`, the networking thread's own `Connection`. Test code.
 *
 * TLS itself is a stand-in that is established, or refused, at any moment, or never ends.
 */

import { LinkActor, type Scenario, SLICE, type Stage, waitRound } from "../scenario.js";
import { ModelThread, type Program } from "../thread.js";
import { openConnection, places, type Rings } from "./connection-ends.js";
import { type Fabric, HANDLE_ID, ModelCaller, queueGuard, shared, weave } from "./fabric.js";

const COMMANDS = "commands";
const NOTICES = "notices";
/** The length of the timeout does not matter, only that there is one. */
const TIMEOUT = { left: 50, timeout: 50 };
/** The code of a handshake that was refused. */
const REFUSED = "EPROTO";

type Outcome = "established" | "refused";

interface Plan {
  isServer: boolean;
  /** The possible outcomes of the handshake; none if the peer is silent. */
  outcomes: Outcome[];
  /** Whether the caller may close the connection after a time-out. */
  givesUp: boolean;
}

type HandshakeEnd = { done(socket: unknown): void; failed(error: Error): void };

/** A socket that carries no byte of the program, and whose peer never ends. */
class QuietSocket {
  destroyed = false;
  readonly readableEnded = false;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  private closed = false;
  private error: Error | undefined;
  private readonly listeners = new Map<string, (error?: Error) => void>();

  on(event: string, listener: (error?: Error) => void): void {
    this.listeners.set(event, listener);
  }

  pause(): void {}
  resume(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  _read(): void {}
  read(): null {
    return null;
  }

  push(): boolean {
    return false;
  }

  destroy(error?: Error): void {
    this.destroyed = true;
    this.error ??= error;
  }

  get events(): string[] {
    return this.destroyed && !this.closed ? ["closed"] : [];
  }

  close(): void {
    this.closed = true;
    if (this.error !== undefined) this.listeners.get("error")?.(this.error);
    this.listeners.get("close")?.();
  }
}

/** The handshake over the open connection. */
class Handshake {
  private over = false;

  constructor(
    private readonly plan: Plan,
    private readonly below: QuietSocket,
    private readonly end: HandshakeEnd,
  ) {}

  get events(): string[] {
    if (this.over) return [];
    return this.below.destroyed ? ["cut off"] : this.plan.outcomes;
  }

  /** Ends the handshake; returns the TLS socket, or null. */
  happens(event: string): QuietSocket | null {
    this.over = true;
    if (event === "established") {
      const socket = new QuietSocket();
      this.end.done(socket);
      return socket;
    }
    this.below.destroy();
    this.end.failed(new Error(event === "refused" ? REFUSED : "ECONNRESET"));
    return null;
  }
}

class Worker extends LinkActor {
  protected override readonly link;
  private readonly connection;
  private readonly below = new QuietSocket();
  private handshake: Handshake | null = null;
  private secure: QuietSocket | null = null;
  protected override readonly port = COMMANDS;

  constructor(
    stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    ends: Rings,
  ) {
    super(stage, fabric.worker);
    const { world, product } = stage;
    const port = { postMessage: (notice: object) => world.post(NOTICES, world.letter(JSON.stringify(notice), notice)) };
    this.link = new product.CallerLink(shared(fabric.caller), shared(fabric.link), port as never, () => {});
    const { slot, rings } = places(fabric, ends);
    this.connection = new product.Connection(new product.Slot(this.link, slot), rings, 5000);
    this.connection.take(this.below as never, true);
    this.connection.opened(true);
    world.listeners.set("tls", (start) => this.begin(start as { isServer: boolean; end: HandshakeEnd }));
  }

  private begin({ isServer, end }: { isServer: boolean; end: HandshakeEnd }): void {
    const role = (server: boolean): string => (server ? "the server" : "the client");
    this.stage.world.expect("this end of TLS", role(isServer), role(this.plan.isServer));
    this.handshake = new Handshake(this.plan, this.below, end);
  }

  protected override events(): string[] {
    return [
      ...this.below.events.map((event) => `${event} below`),
      ...(this.handshake?.events ?? []),
      ...(this.secure?.events ?? []),
    ];
  }

  protected override happens(event: string): void {
    const { world } = this.stage;
    if (event === "message") {
      this.connection.startTls(world.open(world.take(COMMANDS)) as never, null as never, null as never);
    } else if (event === "closed below") {
      this.below.close();
      world.note("closed", 1);
    } else if (event === "closed") {
      this.secure?.close();
      world.note("closed", 1);
    } else {
      world.note(`TLS is ${event}`, 1);
      this.secure = this.handshake?.happens(event) ?? null;
    }
  }
}

/** Each of its waits has one round, and may run out of time at any moment. */
class TimedCaller extends ModelCaller {
  constructor(
    private readonly stage: Stage,
    fabric: Fabric,
    private readonly sleeper: InstanceType<Stage["product"]["SignalSleeper"]>,
  ) {
    super(stage.world, "caller", fabric, fabric.link, HANDLE_ID);
  }

  override wait<T>(interest: number, _deadline: unknown, met: (target: T) => boolean, target: T): boolean {
    return waitRound(this.stage, this.sleeper, interest, () => met(target), SLICE);
  }
}

/** Starts TLS, waits on after a time-out or closes, closes in the end, and waits until the slot has come back. */
class Caller implements Program {
  private readonly sleeper;
  private readonly link;
  private readonly socket;
  private freed = 0;
  private state: "start" | "handshake" | "close" | "released" = "start";

  constructor(
    private readonly stage: Stage,
    private readonly plan: Plan,
    fabric: Fabric,
    ends: Rings,
  ) {
    const { world, product } = stage;
    this.sleeper = new product.SignalSleeper(fabric.caller);
    const port = {
      receive: () => {
        const letter = world.take(NOTICES);
        return letter === -1 ? undefined : { message: world.open(letter) };
      },
      postMessage: (command: { type: string; isServer: boolean }) =>
        world.post(COMMANDS, world.letter(`${command.type}, server: ${command.isServer}`, command)),
    };
    const caller = new TimedCaller(stage, fabric, this.sleeper);
    const { isServer } = plan;
    const opened = openConnection(stage, fabric, ends, caller, port, "broadcast", isServer, () =>
      world.note("given back", ++this.freed),
    );
    this.link = opened.link;
    this.socket = opened.socket;
  }

  turn(): boolean {
    const { stage, link, socket } = this;
    switch (this.state) {
      case "start":
        this.start();
        break;
      case "handshake":
        if (this.plan.givesUp && stage.world.choose(2) === 1) this.state = "close";
        else this.waitOn();
        break;
      case "close":
        socket.close();
        this.state = "released";
        break;
      case "released":
        return !waitRound(stage, this.sleeper, stage.product.ANYTHING, () => {
          link.drain();
          return this.freed > 0;
        });
    }
    return true;
  }

  private start(): void {
    const { world } = this.stage;
    try {
      this.socket.startTls({}, TIMEOUT as never);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      if (code === REFUSED) this.learn("refused");
      else if (code !== "ETIMEDOUT") world.fail(`startTls throws ${code}`);
      // As documented: it was not started if the status is "success" without TLS.
      else if (this.socket.status !== "success" || this.socket.encrypted) this.state = "handshake";
      return;
    }
    this.established();
  }

  private waitOn(): void {
    const status = this.socket.waitUntilConnected(TIMEOUT as never);
    if (status === "success") this.established();
    else if (status === "failure") {
      this.stage.world.expect("the error of the connection", this.socket.error?.code, REFUSED);
      this.learn("refused");
    }
  }

  private established(): void {
    this.stage.world.expect("the status", this.socket.status, "success");
    this.stage.world.expect("whether it is encrypted", `${this.socket.encrypted}`, "true");
    this.learn("established");
  }

  private learn(outcome: Outcome): void {
    this.stage.world.note(`it is ${outcome} to the caller`, 1);
    this.state = "close";
  }
}

function outcomeScenario(name: string, story: string, plan: Plan): Scenario {
  return {
    name,
    story,
    calm: true,
    edits: [
      { module: "ring/layout", find: /QUEUE_CAPACITY = [^;]+/, replace: "QUEUE_CAPACITY = 4" },
      { module: "worker/receiver", find: /SPILL = new Uint8Array\([^)]*\)/, replace: "SPILL = new Uint8Array(1)" },
    ],
    set(stage) {
      const { world, product } = stage;
      const fabric = weave(
        stage,
        { [product.STATE]: product.PHASE_OPEN, [product.HANDLE_ID]: HANDLE_ID },
        { [product.LIFE]: product.LIFE_RUNNING },
      );
      const rings = { receive: world.bytes("receive ring", 1), send: world.bytes("send ring", 1) };
      world.opaque.set(plan, "plan");
      world.opaque.set(rings, "rings");
      world.opaque.set(TIMEOUT, "time-out");
      const queues = queueGuard(stage, fabric);
      return {
        threads: [
          new ModelThread("caller", world, () => new Caller(stage, plan, fabric, rings)),
          new ModelThread("worker", world, () => new Worker(stage, plan, fabric, rings)),
        ],
        // Only the timeout ends the wait for a silent peer.
        timely: plan.outcomes.length === 0,
        guard: (view, thread, operation, array, index) => {
          const released = (view.word(fabric.slot, product.STATE) & product.PHASE_MASK) === product.PHASE_RELEASED;
          if (released && thread === "worker" && array === fabric.slot) {
            return "the worker touches a slot that was released";
          }
          return queues(view, thread, operation, array, index);
        },
        rest: (view) => {
          if (view.note("given back") !== 1) return `the slot was given back ${view.note("given back")} times`;
          if (view.note("closed") !== 1) return "the connection is left open";
          for (const outcome of ["established", "refused"]) {
            const learnt = view.note(`it is ${outcome} to the caller`) === 1;
            if (learnt && view.note(`TLS is ${outcome}`) !== 1) return `TLS is not ${outcome}, but the caller was told`;
          }
          return null;
        },
      };
    },
  };
}

export const TLS_OUTCOME_SCENARIOS: Scenario[] = [
  outcomeScenario(
    "TLS started, and closed after a time-out",
    "TLS is established or refused at any moment; the caller's time may run out before, and then it may close the connection. In the end it closes it, here and below, and the slot comes back.",
    { isServer: false, outcomes: ["established", "refused"], givesUp: true },
  ),
  outcomeScenario(
    "TLS started by a server",
    "The same on an accepted connection, whose caller waits as often as it takes.",
    { isServer: true, outcomes: ["established", "refused"], givesUp: false },
  ),
  outcomeScenario(
    "TLS started with a silent peer",
    "The handshake never ends; the caller's time runs out, and it closes the connection, or waits once more.",
    { isServer: false, outcomes: [], givesUp: true },
  ),
];
