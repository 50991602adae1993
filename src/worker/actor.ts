/**
 * The actor: owns the sockets of one networking thread, and serves the callers linked to it.
 *
 * Runs on the networking thread, which never blocks: it waits in Node's event loop for a socket, a message or the
 * doorbell.
 */

import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import {
  DRAIN_ASKED,
  DRAIN_BEGUN,
  DRAINED,
  FINISH,
  FINISH_ASKED,
  FINISH_BEGUN,
  LIFE,
  LIFE_RUNNING,
  LIFE_STOPPED,
  MAX_SLOTS,
  PHASE_RELEASED,
  PING,
  PONG,
  STOP,
} from "../ring/layout.js";
import type { AttachMessage, BootData, Command, ProcessMessage } from "../ring/protocol.js";
import { DoorbellSleeper } from "../ring/signal.js";
import { BoundPort } from "./bound-port.js";
import { CallerLink, type Handle } from "./caller-link.js";
import { Connection } from "./connection.js";
import { Connector } from "./connector.js";
import { DatagramSocket } from "./datagram-socket.js";
import { commandDetails, debug, debugging } from "./debug.js";
import { drainSending, finishSending } from "./finishing.js";
import { InputReader } from "./input-reader.js";
import { Listener } from "./listener.js";
import { TERMINATING_ENDS_WAITS } from "./other-runtimes.js";
import { Polling } from "./polling.js";
import { Lookup, Resolver } from "./resolver.js";
import { threadCpuMs } from "./thread-cpu.js";
import { TlsContextCache } from "./tls-context-cache.js";
import { TlsSessions } from "./tls-sessions.js";
import { openWebSocket } from "./web-socket-client.js";
import { WebSocketListener } from "./web-socket-listener.js";

/**
 * The attached slots are searched for released ones when there are twice as many as the last search has left, and at
 * least this many.
 */
const FIRST_SWEEP = 64;

export class Actor {
  readonly #words: Int32Array;
  readonly #port: MessagePort;
  readonly #lingerMs: number;
  readonly #doorbell: DoorbellSleeper;
  readonly #polling: Polling;
  #links: CallerLink[] = [];
  /** Links of callers on other threads, which have only attached connections here. */
  readonly #attached = new Map<string, CallerLink>();
  /** Slots that moved to another caller, by their handle ids on the caller that opened them. */
  readonly #attachedSlots = new Map<number, Handle["slot"]>();
  /**
   * Messages about connections whose command has not arrived yet, by their handle ids on the caller that opened them,
   * each list in order: messages of two ports can overtake each other. A message about a connection that has ended
   * stays until there are more messages than handles can be open.
   */
  readonly #early = new Map<number, AttachMessage[]>();
  #nextSweep = FIRST_SWEEP;
  readonly #resolver = new Resolver();
  readonly #tlsContexts = new TlsContextCache();
  readonly #tlsSessions = new TlsSessions();
  readonly #connector: Connector;
  /** Whether a turn is scheduled that will check for work. */
  #turnAhead = false;
  /** Whether it has stopped all work, and sleeps until it is terminated. */
  #stopped = false;

  constructor(boot: BootData) {
    this.#words = new Int32Array(boot.workerBlock);
    this.#port = boot.port;
    this.#lingerMs = boot.lingerMs;
    this.#polling = new Polling(boot.busyPoll);
    this.#connector = new Connector(this.#resolver, this.#tlsContexts, this.#tlsSessions, boot.lingerMs);
    this.#doorbell = new DoorbellSleeper(this.#words, () => this.#rung());
    const link = new CallerLink(boot.callerBlock, boot.linkBlock, boot.port, (bytes) => this.#activity(bytes));
    this.#links.push(link);
    this.#listen(boot.port, link);
    this.#listenForAttached(boot.name);
    if (boot.processChannel !== null) announce(boot.processChannel, boot);
    Atomics.store(this.#words, LIFE, LIFE_RUNNING); // partner: Liveness.check, Liveness.heartbeat
    link.waker.wakeAnyway();
    this.#work();
  }

  #listen(port: MessagePort, link: CallerLink): void {
    // The port must keep this thread's event loop alive: neither the doorbell nor a paused socket does.
    port.on("message", (command: Command) => {
      this.#execute(command, link);
      this.#activity(0);
      this.#work();
    });
  }

  #listenForAttached(name: string): void {
    const channel = new BroadcastChannel(name) as BroadcastChannel & { unref(): void };
    channel.onmessage = (event: unknown): void => this.#attach((event as { data: AttachMessage }).data);
    channel.unref();
  }

  #execute(command: Command, link: CallerLink): void {
    if (debugging) debug(command.type, commandDetails(command));
    switch (command.type) {
      case "connect":
        this.#connector.connect(link, command);
        break;
      case "open-websocket":
        openWebSocket(link, command, this.#connector, this.#lingerMs);
        break;
      case "listen":
        new Listener(link, command, this.#tlsContexts, this.#lingerMs);
        break;
      case "listen-websocket":
        new WebSocketListener(link, command, this.#tlsContexts, this.#lingerMs);
        break;
      case "bind-tcp":
        new BoundPort(link, command);
        break;
      case "accept": {
        const server = link.handles.get(command.server);
        if (server instanceof Listener || server instanceof WebSocketListener) server.accept(command);
        this.#attachEarly(command.slot.handleId);
        break;
      }
      case "refuse": {
        const server = link.handles.get(command.server);
        if (server instanceof WebSocketListener) server.refuse(command);
        break;
      }
      case "bind":
        new DatagramSocket(link, command, this.#resolver, this.#lingerMs);
        break;
      case "start-tls": {
        const connection = link.handles.get(command.handleId);
        if (connection instanceof Connection) connection.startTls(command, this.#tlsContexts, this.#tlsSessions);
        break;
      }
      case "udp-call": {
        const socket = link.handles.get(command.handleId);
        if (socket instanceof DatagramSocket) socket.call(command);
        break;
      }
      case "open-input":
        new InputReader(link, command);
        break;
      case "resolve":
      case "reverse":
        new Lookup(link, command, this.#resolver);
        break;
      case "stats":
        link.post({ type: "reply", request: command.request, fault: null, threadCpuMs: threadCpuMs() });
        link.waker.wakeAnyway();
        break;
      case "revoke":
        this.#revoke(command.handleId, link);
        break;
      case "close": {
        const handle = link.handles.get(command.handleId);
        if (
          handle instanceof Listener ||
          handle instanceof WebSocketListener ||
          handle instanceof BoundPort ||
          handle instanceof Lookup
        ) {
          handle.close();
        }
        break;
      }
    }
  }

  #revoke(home: number, link: CallerLink): void {
    const slot = this.#attachedSlots.get(home) ?? link.handles.get(home)?.slot;
    if (slot !== undefined && slot.phase !== PHASE_RELEASED) slot.revoke();
  }

  #attachEarly(home: number): void {
    const messages = this.#early.get(home);
    if (messages === undefined) return;
    this.#early.delete(home);
    for (const message of messages) this.#attach(message);
  }

  #attach(message: AttachMessage): void {
    const moved = this.#attachedSlots.get(message.home);
    const slot =
      moved === undefined || moved.phase === PHASE_RELEASED ? this.#links[0]?.handles.get(message.home)?.slot : moved;
    if (slot === undefined) {
      this.#keepEarly(message);
      return;
    }
    this.#attachedSlots.set(message.home, slot);
    this.#removeReleased();
    for (const [caller, { handles, idle }] of this.#attached)
      if (handles.size === 0 && idle) this.#attached.delete(caller);
    let link = this.#attached.get(message.caller);
    if (link === undefined) {
      link = new CallerLink(message.callerBlock, message.linkBlock, null, (bytes) => this.#activity(bytes));
      this.#attached.set(message.caller, link);
    }
    this.#links = [this.#links[0] as CallerLink, ...this.#attached.values()];
    slot.moveTo(link, message.handleId);
    link.handles.get(message.handleId)?.service();
    this.#work();
    link.attached();
  }

  #keepEarly(message: AttachMessage): void {
    const messages = this.#early.get(message.home);
    if (messages !== undefined) messages.push(message);
    else this.#early.set(message.home, [message]);
    if (this.#early.size > MAX_SLOTS) this.#early.delete(this.#early.keys().next().value as number);
  }

  /** Removes released slots. The cost is proportional to the slots attached since the last search. */
  #removeReleased(): void {
    if (this.#attachedSlots.size < this.#nextSweep) return;
    for (const [home, slot] of this.#attachedSlots) if (slot.phase === PHASE_RELEASED) this.#attachedSlots.delete(home);
    this.#nextSweep = Math.max(FIRST_SWEEP, 2 * this.#attachedSlots.size);
  }

  #rung(): void {
    this.#doorbell.cancelWait();
    this.#work();
  }

  /** Does the queued work, and arranges the next check: by the doorbell, or in the next turn. */
  #work(): void {
    if (this.#drain()) this.#activity(0);
    if (!this.#turnAhead) this.#sleep();
  }

  /**
   * Call it when a caller had work or a socket moved `bytes`. Decides at the end of this turn of the event loop whether
   * to poll.
   */
  #activity(bytes: number): void {
    if (!this.#polling.enabled) return;
    this.#polling.activity(bytes);
    if (this.#turnAhead) return;
    this.#turnAhead = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnAhead = false;
    if (this.#drain()) this.#polling.activity(0);
    if (this.#polling.decide()) {
      this.#doorbell.cancelWait();
      this.#turnAhead = true;
      setImmediate(this.#turn);
    } else {
      this.#sleep();
    }
  };

  #drain(): boolean {
    let worked = false;
    for (const link of this.#links) if (link.drain()) worked = true;
    if (Atomics.load(this.#words, STOP) === 1) this.#stop(); // partner: Liveness.stop
    const ping = Atomics.load(this.#words, PING); // partner: Liveness.heartbeat
    if (Atomics.load(this.#words, PONG) !== ping) {
      // no partner: this thread's own word
      const asked = Atomics.load(this.#words, FINISH); // partner: OtherThreads.finish, OtherThreads.drain
      if (asked === FINISH_ASKED) this.#finish();
      else if (asked === DRAIN_ASKED) this.#sendPending();
      Atomics.store(this.#words, PONG, ping); // partner: Liveness.heartbeat
    }
    return worked;
  }

  /** The main thread is about to end the process: sends pending bytes, then stops. */
  #finish(): void {
    Atomics.store(this.#words, FINISH, FINISH_BEGUN); // partner: OtherThreads.awaitFinished
    Atomics.notify(this.#words, FINISH); // partner: OtherThreads.awaitFinished
    finishSending(
      () => this.#links,
      this.#lingerMs,
      () => this.#stop(),
    );
  }

  /** The thread that started this one is about to be terminated, and this one with it: sends pending bytes. */
  #sendPending(): void {
    Atomics.compareExchange(this.#words, FINISH, DRAIN_ASKED, DRAIN_BEGUN); // partner: OtherThreads.drain
    drainSending(
      () => this.#links,
      this.#lingerMs,
      () => Atomics.compareExchange(this.#words, FINISH, DRAIN_BEGUN, DRAINED), // partner: OtherThreads.drain
    );
  }

  /**
   * Parks outside any socket call: terminating a thread in the middle of one can abort the process (Node's native code
   * then calls JavaScript that may not run). The event loop of a terminated thread runs for another moment, in which a
   * datagram would have the same effect, so UDP sockets and servers are closed first. The only place where a networking
   * thread blocks. On Deno it returns to its event loop, where alone `terminate` ends it.
   */
  #stop(): void {
    if (this.#stopped) return;
    this.#executeRevocations();
    for (const { handles } of this.#links) {
      for (const handle of handles.values()) handle.shutdown?.();
    }
    Atomics.store(this.#words, LIFE, LIFE_STOPPED); // partner: Liveness.check
    for (const link of this.#links) link.waker.wakeAnyway();
    Atomics.notify(this.#words, LIFE); // partner: OtherThreads.awaitFinished
    this.#stopped = true;
    while (TERMINATING_ENDS_WAITS) Atomics.wait(this.#words, STOP, 1); // no partner: `terminate()` ends it
  }

  /** STOP overtakes the commands in the port. Of these, the revocation of a connection must still be done. */
  #executeRevocations(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const command = next.message as Command;
      if (command.type === "revoke") this.#revoke(command.handleId, this.#links[0] as CallerLink);
    }
  }

  #sleep(): void {
    for (;;) {
      this.#doorbell.prepareWait();
      if (this.#idle) return;
      this.#doorbell.cancelWait();
      this.#drain();
    }
  }

  /** Whether there is no work. Checked after SLEEPING is set: a caller that queued work before that did not ring. */
  get #idle(): boolean {
    if (Atomics.load(this.#words, STOP) === 1) return this.#stopped; // partner: Liveness.stop
    if (Atomics.load(this.#words, PING) !== Atomics.load(this.#words, PONG)) return false; // partner: Liveness.heartbeat
    return this.#links.every((link) => link.idle);
  }
}

/** Announces this thread to the main thread, now and on request. */
function announce(name: string, { thread, workerBlock, lingerMs }: BootData): void {
  const channel = new BroadcastChannel(name) as BroadcastChannel & { unref(): void };
  const post = (): void => channel.postMessage({ thread, workerBlock, lingerMs } satisfies ProcessMessage);
  channel.onmessage = (event: unknown): void => {
    if ((event as { data: ProcessMessage }).data === "ask") post();
  };
  channel.unref();
  post();
}
