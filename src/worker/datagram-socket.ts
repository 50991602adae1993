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
   * Bytes of the ring behind each send that libuv has not called back for, by the number of the send modulo MAX_IN_FLIGHT: it may
   * read them until then. It calls back in the order of sending.
   */
  readonly #inFlight = new Int32Array(MAX_IN_FLIGHT);
  #sends = 0;
  #callbacks = 0;

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
    this.slot.link.moved(bytes.length);
    if (this.#incoming.write(from.address, from.port, bytes)) this.slot.touchSoon();
    else this.slot.count();
  }

  #send(): void {
    const records = this.#outgoing;
    while (this.#bound && this.#sends - this.#callbacks < MAX_IN_FLIGHT && records.next()) {
      let payload = records.payloadView();
      if (payload === null) {
        payload = new Uint8Array(records.payloadLength);
        records.copyPayload(payload);
      }
      this.#inFlight[this.#sends++ % MAX_IN_FLIGHT] = records.recordLength;
      try {
        if (records.host === "") this.#socket.send(payload, this.#sent);
        else this.#socket.send(payload, records.port, records.host, this.#sent);
      } catch (error) {
        this.#refused(error);
      }
    }
  }

  /** libuv has called back for the oldest send: the ring gets its bytes back. */
  readonly #sent = (error: Error | null): void => {
    if (error) this.slot.incident(faultOf(error));
    this.#outgoing.release(this.#inFlight[this.#callbacks++ % MAX_IN_FLIGHT] as number);
    this.slot.link.moved(0);
    this.slot.wake();
    this.#send();
    if (this.#closing) this.#closeWhenSent();
  };

  /** Node did not even take the newest send: its bytes go back together with those before it. */
  #refused(error: unknown): void {
    this.#sends--;
    const length = this.#inFlight[this.#sends % MAX_IN_FLIGHT] as number;
    if (this.#sends === this.#callbacks) this.#outgoing.release(length);
    else {
      const before = (this.#sends - 1) % MAX_IN_FLIGHT;
      this.#inFlight[before] = (this.#inFlight[before] as number) + length;
    }
    this.slot.incident(faultOf(error));
  }

  #closeWhenSent(): void {
    if (this.#sends === this.#callbacks) this.#destroy();
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
