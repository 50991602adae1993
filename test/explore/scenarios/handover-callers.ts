/** The calling threads in the scenarios of connections that are handed over. Test code. */

import { WRITABLE } from "../../../build/main/link/watcher.js";
import { type Stage, waitRound } from "../scenario.js";
import type { Program } from "../thread.js";
import { openConnection, type Rings } from "./connection-ends.js";
import { Again, type Fabric, HANDLE_ID, ModelCaller, type Strand } from "./fabric.js";
import { BROADCAST, PORT } from "./networking-thread.js";
import { byteAt, type Traffic } from "./node-socket.js";

/** Name of the server that an accepted connection comes from. */
export const SERVER = 4;
/** The first handle id of each caller; the caller that opened the connection also has `HANDLE_ID`. */
export const FIRST_HANDLE_IDS = [HANDLE_ID + 1, 30, 40];

/** Posted by the networking thread when it has begun, so that its first steps interleave with no other. */
export const BEGUN = "begun";

export type Act =
  | { act: "begin" | "accept" }
  /** Reads until `count` bytes of the stream were read, here or by earlier owners; `poll` checks only when the slot was reported. */
  | { act: "read" | "poll"; count: number }
  /** Reads until the peer's end. */
  | { act: "read all" | "poll all" }
  /** Writes until `count` bytes of the stream were written. */
  | { act: "write"; count: number }
  | { act: "give"; to: string[] }
  /** Takes the connection over; ends if another caller was faster. */
  | { act: "take"; from: string }
  | { act: "close" }
  | { act: "reset" }
  /** Waits until the slot was given back. */
  | { act: "get back" };

export interface Plan extends Traffic {
  outgoing: number;
  receive: number;
  send: number;
  /** What each caller does; the first opened the connection. */
  callers: { name: string; acts: Act[] }[];
  /** Whether the networking thread gets the connection only with the command that accepts it. */
  accepted?: boolean;
  /** Entries of a queue. */
  capacity?: number;
  restless?: boolean;
}

/** A caller that has the connection, or takes it over, and performs its list of acts. */
export class User implements Program {
  private readonly caller: ModelCaller;
  private readonly sleeper;
  private link: InstanceType<Stage["product"]["WorkerLink"]> | null = null;
  private socket: InstanceType<Stage["product"]["TcpSocket"]> | null = null;
  private token: object | null = null;
  private next = 0;
  /** Whether the poller is to check the connection; it always checks a new one. */
  private candidate = true;
  private endReported = false;
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
    const { name } = plan.callers[number] as Plan["callers"][number];
    this.caller = new ModelCaller(world, name, strand, spare, FIRST_HANDLE_IDS[number] as number);
    this.sleeper = new product.SignalSleeper(strand.caller);
    this.caller.round = (met) => waitRound(this.stage, this.sleeper, product.ANYTHING, met);
    if (number === 0) this.open(rings);
  }

  /** The connection at the thread that opens it. An accepted connection is used before the networking thread has its slot. */
  private open(ends: Rings): void {
    const { world } = this.stage;
    const { caller, fabric } = this;
    const command = { type: "accept", server: SERVER, slot: { handleId: HANDLE_ID } };
    const port = { postMessage: () => world.post(PORT, world.letter("accept", command)) };
    const opened = openConnection(this.stage, fabric, ends, caller, port, BROADCAST, true, () =>
      world.note("given back", ++this.freed),
    );
    this.link = opened.link;
    this.use(opened.socket);
  }

  turn(): boolean {
    const { acts } = this.plan.callers[this.number] as Plan["callers"][number];
    this.stage.world.caller = this.caller;
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
        this.link?.post({ type: "accept" } as never);
        return true;
      case "read":
      case "poll":
        if (socket.bytesRead < act.count) this.await(act.act === "poll");
        return socket.bytesRead >= act.count;
      case "read all":
      case "poll all":
        if (!this.endReported) this.await(act.act === "poll all");
        return this.endReported;
      case "write":
        return this.write(act.count);
      case "give": {
        const { slot, ...token } = socket.detach();
        this.socket = null;
        const state = `${token.state.bytesRead} read, ${token.state.bytesWritten} written, ${token.mark}`;
        for (const to of act.to) world.post(to, world.letter(`${this.caller.name}: ${state}`, { slot, ...token }));
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
    const watcher = { candidate: () => this.toCheck(), handleClosed: () => {} };
    socket.watch(watcher as never);
  }

  private toCheck(): void {
    this.candidate = true;
  }

  private drain(): void {
    for (const link of this.caller.links as { drain(): void }[]) link.drain();
  }

  private gotBack(): boolean {
    this.drain();
    return this.freed > 0;
  }

  /** One round of a wait for bytes or the end, which then are read. */
  private await(polls: boolean): void {
    const { product } = this.stage;
    if (polls) waitRound(this.stage, this.sleeper, product.ANYTHING, () => this.poll() && this.read());
    else waitRound(this.stage, this.sleeper, this.handleId, () => this.read());
  }

  /** As `Poller.wait`: a queued slot is a candidate, and stays one as long as it is ready. */
  private poll(): boolean {
    this.drain();
    if (this.candidate) this.candidate = this.socket?.ready === true;
    return this.candidate;
  }

  /** The name of the connection here: the last that this caller gave. */
  private get handleId(): number {
    return (this.socket as unknown as { __channel: { handleId: number } }).__channel.handleId;
  }

  private read(): boolean {
    const { world } = this.stage;
    const socket = this.socket as NonNullable<typeof this.socket>;
    const before = socket.bytesRead;
    const target = new Uint8Array(2);
    const count = socket.readInto(target);
    if (count === null) {
      this.endReported = true;
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
    waitRound(this.stage, this.sleeper, this.handleId, () => socket.readyFor(WRITABLE));
    return false;
  }

  private take(from: string): boolean | "never" {
    const { world, product } = this.stage;
    if (this.token === null) {
      world.loop([], false, from);
      this.token = world.open(world.take(from));
    }
    try {
      this.use(product.TcpSocket.attach(this.token as never));
      this.token = null;
    } catch (error) {
      if (error instanceof Again) return false;
      if ((error as { code?: string }).code !== "ERR_SOCKET_DETACHED") throw error;
      return "never";
    }
    world.note(`taken by ${this.caller.name}`, 1);
    return true;
  }
}
