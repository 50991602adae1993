/**
 * One UDP socket: a socket of Node's, a slot, and two rings of records.
 *
 * Runs on the networking thread; the producer of the receive ring and the consumer of the send ring.
 *
 * A datagram that does not fit the receive ring is dropped whole and counted; what is in the ring stays as it is.
 */

import dgram, { type RemoteInfo } from "node:dgram";
import { type LookupOneOptions, lookup } from "node:dns";
import { isIP } from "node:net";
import { ByteConsumer, ByteProducer } from "../ring/byte-ring.js";
import { REQUEST_CLOSE, RX_READ, RX_WRITE, TX_READ, TX_WRITE } from "../ring/layout.js";
import type { BindCommand, RingReference, UdpCall, UdpCallCommand } from "../ring/protocol.js";
import { RecordConsumer, RecordProducer } from "../ring/record-ring.js";
import type { ClientLink, Handle } from "./client-link.js";
import { faultOf } from "./faults.js";
import { Slot } from "./slot.js";

/** Most datagrams handed to libuv and not yet called back for. */
const MAX_IN_FLIGHT = 256;

export class DatagramSocket implements Handle {
  readonly slot: Slot;
  readonly #incoming: RecordProducer;
  readonly #outgoing: RecordConsumer;
  readonly #socket: dgram.Socket;
  readonly #lingerMs: number;
  #bound = false;
  #closing = false;
  #connected = false;
  /**
   * Lengths of the records that libuv may still read, in the order of their sending, and how many calls of them are
   * back.
   */
  readonly #inFlight: { length: number; done: boolean }[] = [];

  constructor(link: ClientLink, command: BindCommand, lingerMs: number) {
    this.slot = new Slot(link, command.slot);
    this.#lingerMs = lingerMs;
    const { words } = this.slot;
    this.#incoming = new RecordProducer(new ByteProducer(words, RX_WRITE, RX_READ, view(command.rings.receive)));
    this.#outgoing = new RecordConsumer(new ByteConsumer(words, TX_WRITE, TX_READ, view(command.rings.send)));
    const { family, reuseAddr, ipv6Only, host, port } = command;
    const socket = dgram.createSocket({ type: family === 6 ? "udp6" : "udp4", reuseAddr, ipv6Only, lookup: find });
    this.#socket = socket;
    link.handles.set(this.slot.generation, this);
    socket.on("error", (error) => {
      if (this.#bound) this.slot.incident(faultOf(error));
      else this.slot.fail(faultOf(error));
    });
    socket.on("message", (bytes, from) => this.#received(bytes, from));
    socket.on("close", () => this.slot.release());
    try {
      socket.bind({ port, ...(host === null ? {} : { address: host }) }, () => this.#listening(command.broadcast));
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  look(): void {
    this.#send();
    if (this.slot.request & REQUEST_CLOSE && !this.#closing) {
      this.#closing = true;
      setTimeout(() => this.#destroy(), this.#lingerMs).unref();
      this.#closeWhenSent();
    }
  }

  /** Does what a client waits for, and replies. */
  call(command: UdpCallCommand): void {
    const reply = (error: unknown): void => {
      const fault = error ? faultOf(error) : null;
      this.slot.link.post({ type: "reply", request: command.request, fault });
      this.slot.link.waker.wakeAnyway();
    };
    try {
      this.#obey(command.call, reply);
    } catch (error) {
      reply(error);
    }
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
      this.look();
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  #received(bytes: Buffer, from: RemoteInfo): void {
    if (this.#closing) return;
    if (this.#incoming.write(from.address, from.port, bytes)) this.slot.touch();
    else this.slot.count();
  }

  #send(): void {
    const records = this.#outgoing;
    while (this.#bound && this.#inFlight.length < MAX_IN_FLIGHT && records.next()) {
      let payload = records.payloadView();
      if (payload === null) {
        payload = new Uint8Array(records.payloadLength);
        records.copyPayload(payload);
      }
      const sending = { length: records.recordLength, done: false };
      this.#inFlight.push(sending);
      const sent = (error: Error | null): void => {
        sending.done = true;
        if (error) this.slot.incident(faultOf(error));
        this.#releaseSent();
      };
      try {
        if (records.host === "") this.#socket.send(payload, sent);
        else this.#socket.send(payload, records.port, records.host, sent);
      } catch (error) {
        sent(error as Error);
      }
    }
  }

  /** Gives the ring back what was sent, in order: libuv reads the others still. */
  #releaseSent(): void {
    let released = false;
    for (let first = this.#inFlight[0]; first?.done === true; first = this.#inFlight[0]) {
      this.#inFlight.shift();
      this.#outgoing.release(first.length);
      released = true;
    }
    if (!released) return;
    this.slot.wake();
    this.#send();
    if (this.#closing) this.#closeWhenSent();
  }

  #closeWhenSent(): void {
    if (this.#inFlight.length === 0) this.#destroy();
  }

  #destroy(): void {
    try {
      this.#socket.close();
    } catch {
      this.slot.release(); // it was closed, or never opened
    }
  }
}

function view(ring: RingReference): Uint8Array {
  return new Uint8Array(ring.memory, ring.offset, ring.capacity);
}

/** IP literals need no look-up and no turn of the event loop. */
function find(
  host: string,
  options: LookupOneOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  const family = isIP(host);
  if (family === 0) lookup(host, options, callback);
  else callback(null, host, family);
}
