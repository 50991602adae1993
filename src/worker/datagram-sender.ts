/**
 * Moves datagrams from the send ring to a `node:dgram` socket.
 *
 * Runs on the networking thread; the consumer of the send ring.
 *
 * libuv owns the bytes of a send until its callback; only then are they freed. The callbacks come in any order (a send
 * that fails immediately overtakes waiting ones), but the bytes of the ring are freed in the order of sending.
 *
 * A datagram to a name is copied out of the ring and waits for its look-up beside it (`NameQueues`), so that it does
 * not hold up the next ones. If too many wait, sending pauses until some are gone, for at most 100 ms; after that
 * further datagrams to names are dropped, each with an error for the program.
 */

import type dgram from "node:dgram";
import { isIP } from "node:net";
import { ByteConsumer } from "../ring/byte-ring.js";
import { TX_ASIDE, TX_READ, TX_WRITE } from "../ring/layout.js";
import type { RingReference } from "../ring/protocol.js";
import { RecordConsumer } from "../ring/record-ring.js";
import { faultOf } from "./faults.js";
import { type NamedDatagram, NameQueues } from "./name-queues.js";
import { KEEPS_DATAGRAMS_IN_ORDER } from "./other-runtimes.js";
import type { Resolver } from "./resolver.js";
import type { Slot } from "./slot.js";

/** The most sends under way in libuv. */
const MAX_IN_FLIGHT = KEEPS_DATAGRAMS_IN_ORDER ? 256 : 1;
/** The longest pause for room among the datagrams to names, in ms. */
const PAUSE_MS = 100;

export class DatagramSender {
  readonly #slot: Slot;
  readonly #socket: dgram.Socket;
  readonly #ring: ByteConsumer;
  readonly #records: RecordConsumer;
  readonly #names: NameQueues;
  /** The address in the form that this socket takes, or null if it can't reach it. */
  readonly #reachable: (address: string) => string | null;
  readonly #whenSent: () => void;
  /** By number modulo MAX_IN_FLIGHT: the length of each send's record in the ring, and whether it may be freed. */
  readonly #lengths = new Int32Array(MAX_IN_FLIGHT);
  readonly #settled = new Uint8Array(MAX_IN_FLIGHT);
  /** The callbacks of sends, one for each place, because they are called in any order. */
  readonly #callbacks: ((error: Error | null) => void)[] = [];
  #sends = 0;
  #released = 0;
  /** Whether the current record waits for room among the datagrams to names. */
  #held = false;
  /** The time since when there is no room, in ms; -1 while there is. */
  #pausedSince = -1;
  #pause: NodeJS.Timeout | null = null;
  #stopped = false;
  #host = "";
  #hostIsName = false;

  /** `whenSent` is called when there may be nothing left to send. */
  constructor(
    slot: Slot,
    ring: RingReference,
    socket: dgram.Socket,
    resolver: Resolver,
    reachable: (address: string) => string | null,
    whenSent: () => void,
  ) {
    this.#slot = slot;
    this.#socket = socket;
    this.#reachable = reachable;
    this.#whenSent = whenSent;
    this.#ring = new ByteConsumer(
      slot.words,
      TX_WRITE,
      TX_READ,
      new Uint8Array(ring.memory, ring.offset, ring.capacity),
    );
    this.#records = new RecordConsumer(this.#ring);
    this.#names = new NameQueues(
      resolver,
      (datagram, host, addresses) => this.#sendNamed(datagram, host, addresses),
      (datagram, error) => this.#namedDone(datagram, error),
    );
  }

  /** Whether everything taken from the ring was sent or has failed. */
  get idle(): boolean {
    return this.inOrder && this.#names.size === 0;
  }

  /** The same, not counting datagrams to names. */
  get inOrder(): boolean {
    return this.#sends === this.#released && !this.#held;
  }

  /** Stops: from now on another handle may own the slot and the ring. */
  stop(): void {
    this.#stopped = true;
    if (this.#pause !== null) clearTimeout(this.#pause);
  }

  /** Sends what is pending. */
  service(): void {
    if (this.#stopped) return;
    const records = this.#records;
    while (this.#sends - this.#released < MAX_IN_FLIGHT && (this.#held || records.next())) {
      const isName = this.#isName(records.host);
      this.#held = isName && this.#mustPause(records.payloadLength);
      if (this.#held) return;
      const place = this.#sends++ % MAX_IN_FLIGHT;
      this.#lengths[place] = records.recordLength;
      this.#settled[place] = 0;
      if (isName) this.#setAside(place);
      else this.#send(place);
    }
  }

  #send(place: number): void {
    const { host, port } = this.#records;
    const payload = this.#records.payloadView() ?? this.#copy();
    this.#callbacks[place] ??= (error) => this.#done(place, error);
    const callback = this.#callbacks[place] as (error: Error | null) => void;
    try {
      if (host === "") this.#socket.send(payload, callback);
      else this.#socket.send(payload, port, host, callback);
    } catch (error) {
      this.#slot.addPendingError(faultOf(error));
      this.#settle(place);
      this.#wakeForRoom();
    }
  }

  #setAside(place: number): void {
    const { host, port, payloadLength } = this.#records;
    if (this.#names.hasRoom(payloadLength)) {
      this.#names.add(host, { payload: this.#copy(), port });
      this.#publishAside();
    } else {
      const reason = "because too many wait for the look-up of their names";
      const message = `send ENOBUFS: a datagram to ${host} was dropped, ${reason}`;
      this.#slot.addPendingError({ code: "ENOBUFS", syscall: "send", message });
    }
    this.#settle(place);
    this.#wakeForRoom();
  }

  #mustPause(bytes: number): boolean {
    if (this.#names.hasRoom(bytes)) {
      this.#pausedSince = -1;
      return false;
    }
    const now = performance.now();
    if (this.#pausedSince < 0) this.#pausedSince = now;
    const left = this.#pausedSince + PAUSE_MS - now;
    if (left <= 0) return false;
    this.#pause ??= setTimeout(() => {
      this.#pause = null;
      this.service();
      this.#whenSent();
    }, Math.ceil(left));
    return true;
  }

  #sendNamed(datagram: NamedDatagram, host: string, addresses: string[]): void {
    if (this.#stopped) return;
    try {
      for (const address of addresses) {
        const reachable = this.#reachable(address);
        if (reachable === null) continue;
        this.#socket.send(datagram.payload, datagram.port, reachable, (error) => this.#namedDone(datagram, error));
        return;
      }
      throw noSuchFamily(host);
    } catch (error) {
      this.#namedDone(datagram, error);
    }
  }

  #namedDone(datagram: NamedDatagram, error: unknown): void {
    if (this.#stopped) return;
    if (error) this.#slot.addPendingError(faultOf(error));
    this.#names.remove(datagram);
    this.#publishAside();
    this.#slot.link.onActivity(0);
    if (this.#names.size === 0) this.#slot.roomMade();
    if (this.#held) this.service();
    this.#whenSent();
  }

  #done(place: number, error: Error | null): void {
    if (this.#stopped) return;
    if (error) this.#slot.addPendingError(faultOf(error));
    this.#settle(place);
    this.#slot.link.onActivity(0);
    this.#wakeForRoom();
    this.service();
    this.#whenSent();
  }

  /** libuv no longer needs this send's bytes: they are freed once all before them are settled. */
  #settle(place: number): void {
    this.#settled[place] = 1;
    while (this.#released < this.#sends && this.#settled[this.#released % MAX_IN_FLIGHT] === 1) {
      this.#records.release(this.#lengths[this.#released++ % MAX_IN_FLIGHT] as number);
    }
  }

  /** Wakes a caller that waits for room once half of the ring is free, not after each datagram. */
  #wakeForRoom(): void {
    if (this.#ring.readable <= this.#ring.capacity >> 1) this.#slot.roomMade();
  }

  /** Publishes how much waits beside the ring; before its bytes in the ring are freed. */
  #publishAside(): void {
    Atomics.store(this.#slot.words, TX_ASIDE, this.#names.size); // partner: Channel.unsent
  }

  #copy(): Uint8Array {
    const payload = new Uint8Array(this.#records.payloadLength);
    this.#records.copyPayload(payload);
    return payload;
  }

  #isName(host: string): boolean {
    if (host !== this.#host) {
      this.#host = host;
      this.#hostIsName = host !== "" && isIP(host) === 0;
    }
    return this.#hostIsName;
  }
}

function noSuchFamily(host: string): NodeJS.ErrnoException {
  const message = `send EAFNOSUPPORT: ${host} has no address that this socket can reach`;
  return Object.assign(new Error(message), { code: "EAFNOSUPPORT", syscall: "send" });
}
