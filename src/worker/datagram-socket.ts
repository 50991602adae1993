/**
 * One UDP socket: a socket of Node's, a slot, and two rings of records.
 *
 * Runs on the networking thread; the producer of the receive ring and the consumer of the send ring.
 *
 * A datagram that does not fit the receive ring is dropped whole and counted; what is in the ring stays as it is.
 */

import dgram, { type RemoteInfo } from "node:dgram";
import { type LookupOneOptions, lookup, V4MAPPED } from "node:dns";
import { isIP } from "node:net";
import { ByteConsumer, ByteProducer } from "../ring/byte-ring.js";
import { REQUEST_CLOSE, RX_READ, RX_WRITE, TX_READ, TX_WRITE } from "../ring/layout.js";
import type { BindCommand, RingReference, UdpCall, UdpCallCommand } from "../ring/protocol.js";
import { RecordConsumer, RecordProducer } from "../ring/record-ring.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { faultOf } from "./faults.js";
import { Slot } from "./slot.js";
import { WakeCoalescing } from "./wake-coalescing.js";

/** Most datagrams handed to libuv and not yet called back for. */
const MAX_IN_FLIGHT = 256;
/** What became of a send. */
const SENDING = 0;
const LOOKING_UP = 1;
const SETTLED = 2;

export class DatagramSocket implements Handle {
  readonly slot: Slot;
  readonly #incoming: RecordProducer;
  readonly #waking: WakeCoalescing;
  readonly #sendRing: ByteConsumer;
  readonly #outgoing: RecordConsumer;
  readonly #socket: dgram.Socket;
  readonly #lingerMs: number;
  #bound = false;
  #closing = false;
  #destroyed = false;
  #connected = false;
  /**
   * A call that waits until the datagrams before it are sent. The caller waits for the call, and sends nothing
   * meanwhile.
   */
  #call: (() => void) | null = null;
  /** Somebody was faster at the port that was chosen: chooses another; false when that was tried often enough. */
  #chooseAgain: () => boolean = () => false;
  #host = "";
  #hostIsName = false;
  /**
   * Sends that libuv or a look-up has not called back for, by their number modulo MAX_IN_FLIGHT: the bytes of the ring behind each, and
   * whether it has been called back for. The ring gets its bytes back in the order of sending, which only sends to IPs keep: a send to a
   * name waits for its look-up, and its bytes must stay where they are while others overtake it.
   */
  readonly #lengths = new Int32Array(MAX_IN_FLIGHT);
  readonly #progress = new Uint8Array(MAX_IN_FLIGHT);
  #sends = 0;
  #released = 0;
  /** No send to an IP in front of this one waits to be called back for. */
  #oldest = 0;

  constructor(link: CallerLink, command: BindCommand, lingerMs: number) {
    this.slot = new Slot(link, command.slot);
    this.#lingerMs = lingerMs;
    const { words } = this.slot;
    this.#incoming = new RecordProducer(new ByteProducer(words, RX_WRITE, RX_READ, view(command.rings.receive)));
    this.#waking = new WakeCoalescing(this.slot, command.rings.receive.capacity);
    this.#sendRing = new ByteConsumer(words, TX_WRITE, TX_READ, view(command.rings.send));
    this.#outgoing = new RecordConsumer(this.#sendRing);
    const { family, reuseAddr, ipv6Only, host, port } = command;
    const bothFamilies = family === 6 && !ipv6Only && (host === null || host === "::");
    const socket = dgram.createSocket({
      type: family === 6 ? "udp6" : "udp4",
      reuseAddr,
      ipv6Only,
      lookup: find(bothFamilies),
    });
    this.#socket = socket;
    link.handles.set(this.slot.handleId, this);
    socket.on("error", (error) => {
      if (this.#bound) this.slot.addPendingError(faultOf(error));
      else if (!isInUse(error) || !this.#chooseAgain()) this.slot.fail(faultOf(error));
    });
    socket.on("message", (bytes, from) => this.#received(bytes, from));
    socket.on("close", () => this.slot.release());
    try {
      if (port === 0) this.#choosePort(command);
      else this.#bind(command, port);
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  service(): void {
    this.#send();
    if (this.slot.request & REQUEST_CLOSE && !this.#closing) {
      this.#closing = true;
      setTimeout(() => this.#destroy(), this.#lingerMs).unref();
      this.#whenSent();
    }
  }

  shutdown(): void {
    this.#destroy();
  }

  /** Does what a caller waits for, and replies. */
  call(command: UdpCallCommand): void {
    const reply = (error: unknown): void => {
      const fault = error ? faultOf(error) : null;
      this.slot.link.post({ type: "reply", request: command.request, fault });
      this.slot.link.waker.wakeAnyway();
    };
    this.#call = () => {
      try {
        this.#obey(command.call, reply);
      } catch (error) {
        reply(error);
      }
    };
    this.#send();
    this.#whenSent();
  }

  #obey(call: UdpCall, reply: (error: unknown) => void): void {
    const socket = this.#socket;
    switch (call.name) {
      case "connect":
        if (this.#connected) {
          socket.disconnect();
          this.#connected = false;
        }
        socket.connect(call.port, call.host, ((error?: Error) => {
          this.#connected = !error;
          reply(error);
        }) as () => void);
        return;
      case "disconnect":
        socket.disconnect();
        this.#connected = false;
        break;
      case "setBroadcast":
        socket.setBroadcast(call.on);
        break;
      case "setTtl":
        socket.setTTL(call.ttl);
        break;
      case "setMulticastTtl":
        socket.setMulticastTTL(call.ttl);
        break;
      case "setMulticastLoopback":
        socket.setMulticastLoopback(call.on);
        break;
      case "setMulticastInterface":
        socket.setMulticastInterface(call.address);
        break;
      case "addMembership":
        socket.addMembership(call.group, call.interface ?? undefined);
        break;
      case "dropMembership":
        socket.dropMembership(call.group, call.interface ?? undefined);
        break;
    }
    reply(null);
  }

  #listening(broadcast: boolean): void {
    try {
      if (broadcast) this.#socket.setBroadcast(true);
      this.#bound = true;
      const { address, port } = this.#socket.address();
      this.slot.bound(address, port);
      this.service();
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  #received(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closing) return;
    this.slot.link.onActivity(bytes.length);
    if (this.#incoming.write(from.address, from.port, bytes)) this.#waking.arrived(bytes.length, true);
    else this.slot.count();
  }

  #send(): void {
    const records = this.#outgoing;
    while (this.#bound && this.#sends - this.#released < MAX_IN_FLIGHT && records.next()) {
      let payload = records.payloadView();
      if (payload === null) {
        payload = new Uint8Array(records.payloadLength);
        records.copyPayload(payload);
      }
      const { host, port } = records;
      const number = this.#sends++;
      this.#lengths[number % MAX_IN_FLIGHT] = records.recordLength;
      this.#progress[number % MAX_IN_FLIGHT] = this.#isName(host) ? LOOKING_UP : SENDING;
      try {
        if (host === "") this.#socket.send(payload, this.#sent);
        else if (this.#isName(host)) this.#socket.send(payload, port, host, (error) => this.#done(number, error));
        else this.#socket.send(payload, port, host, this.#sent);
      } catch (error) {
        this.slot.addPendingError(faultOf(error));
        this.#settle(number);
      }
    }
  }

  #isName(host: string): boolean {
    if (host !== this.#host) {
      this.#host = host;
      this.#hostIsName = host !== "" && isIP(host) === 0;
    }
    return this.#hostIsName;
  }

  /** libuv has called back for the oldest send to an IP. */
  readonly #sent = (error: Error | null): void => {
    this.#oldest = Math.max(this.#oldest, this.#released);
    while (this.#progress[this.#oldest % MAX_IN_FLIGHT] !== SENDING) this.#oldest++;
    this.#done(this.#oldest, error);
  };

  #done(number: number, error: Error | null): void {
    if (this.#destroyed) return; // the slot and its rings may be somebody else's
    if (error) this.slot.addPendingError(faultOf(error));
    this.#settle(number);
    this.slot.link.onActivity(0);
    // A caller that waits for room gets half a ring of it at once, not a datagram at a time.
    if (this.#sendRing.readable <= this.#sendRing.capacity >> 1) this.slot.wake();
    this.#send();
    this.#whenSent();
  }

  /** Nobody reads the bytes of this send any more: the ring gets them back once those before them are settled too. */
  #settle(number: number): void {
    this.#progress[number % MAX_IN_FLIGHT] = SETTLED;
    while (this.#released < this.#sends && this.#progress[this.#released % MAX_IN_FLIGHT] === SETTLED) {
      this.#outgoing.release(this.#lengths[this.#released++ % MAX_IN_FLIGHT] as number);
    }
  }

  /** What waits for the datagrams before it: a call, or the end. */
  #whenSent(): void {
    if (this.#sends !== this.#released) return;
    const call = this.#call;
    this.#call = null;
    call?.();
    if (this.#closing) this.#destroy();
  }

  #bind({ host, broadcast }: BindCommand, port: number): void {
    this.#socket.bind({ port, ...(host === null ? {} : { address: host }) }, () => this.#listening(broadcast));
  }

  /**
   * Linux takes back a port that it picked when the socket disconnects, and Node disconnects a socket before it connects
   * it again. So another socket has one picked, and this one asks for it.
   */
  #choosePort(command: BindCommand, tries = 8): void {
    const { family, reuseAddr, ipv6Only, host } = command;
    const scout = dgram.createSocket({ type: family === 6 ? "udp6" : "udp4", reuseAddr, ipv6Only });
    scout.on("error", (error) => this.slot.fail(faultOf(error)));
    scout.bind({ port: 0, ...(host === null ? {} : { address: host }) }, () => {
      const { port } = scout.address();
      scout.close();
      this.#chooseAgain = () => {
        if (tries > 1) this.#choosePort(command, tries - 1);
        return tries > 1;
      };
      this.#bind(command, port);
    });
  }

  #destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    try {
      this.#socket.close();
    } catch {
      this.slot.release(); // it was closed, or never opened
    }
  }
}

function isInUse(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
}

function view(ring: RingReference): Uint8Array {
  return new Uint8Array(ring.memory, ring.offset, ring.capacity);
}

/**
 * A look-up for a socket, which asks for its own family alone. IP literals need none, and no turn of the event loop. On a socket for
 * both families a name without an IPv6 address is found by its IPv4 address, mapped into IPv6 (RFC 4291, 2.5.5.2).
 */
function find(bothFamilies: boolean) {
  return (
    host: string,
    options: LookupOneOptions | number,
    callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
  ): void => {
    const family = isIP(host);
    const wanted = typeof options === "number" ? { family: options } : options;
    if (family !== 0) callback(null, host, family);
    else lookup(host, bothFamilies ? { ...wanted, hints: V4MAPPED } : wanted, callback);
  };
}
