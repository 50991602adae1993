/**
 * One UDP socket: a Node socket, a slot, and two rings of records. Sending is in datagram-sender.ts.
 *
 * Runs on the networking thread; the producer of the receive ring.
 *
 * A datagram that does not fit into the receive ring is dropped whole and counted.
 */

import dgram, { type RemoteInfo } from "node:dgram";
import { isIP } from "node:net";
import { ByteProducer } from "../ring/byte-ring.js";
import { REQUEST_CLOSE, RX_READ, RX_WRITE } from "../ring/layout.js";
import type { BindCommand, RingReference, UdpCallCommand } from "../ring/protocol.js";
import { RecordProducer } from "../ring/record-ring.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { DatagramSender } from "./datagram-sender.js";
import { faultOf } from "./faults.js";
import { FILTERS_DATAGRAMS, isSameIP } from "./other-runtimes.js";
import type { Resolver } from "./resolver.js";
import { Slot } from "./slot.js";
import { WakeCoalescing } from "./wake-coalescing.js";

export class DatagramSocket implements Handle {
  readonly slot: Slot;
  readonly #incoming: RecordProducer;
  readonly #waking: WakeCoalescing;
  readonly #outgoing: DatagramSender;
  readonly #socket: dgram.Socket;
  readonly #lingerMs: number;
  #bound = false;
  #closing = false;
  #destroyed = false;
  #connected = false;
  /**
   * A call that waits until the datagrams before it are sent. The caller is blocked in it, and sends nothing meanwhile.
   */
  #call: UdpCallCommand | null = null;
  /** The call that connected the socket. */
  #connectRequest = 0;
  /** The chosen port was taken meanwhile: chooses another. Returns false after too many tries. */
  #chooseAgain: () => boolean = () => false;

  constructor(link: CallerLink, command: BindCommand, resolver: Resolver, lingerMs: number) {
    this.slot = new Slot(link, command.slot);
    this.#lingerMs = lingerMs;
    const { words } = this.slot;
    this.#incoming = new RecordProducer(new ByteProducer(words, RX_WRITE, RX_READ, view(command.rings.receive)));
    this.#waking = new WakeCoalescing(this.slot, command.rings.receive.capacity);
    const { family, reuseAddr, reusePort, ipv6Only, host, port } = command;
    const bothFamilies = family === 6 && !ipv6Only && (host === null || host === "::");
    const socket = dgram.createSocket({
      type: family === 6 ? "udp6" : "udp4",
      reuseAddr,
      ...(reusePort ? { reusePort } : {}),
      ipv6Only,
      // All addresses are IPs by now: no look-up, and no turn of the event loop, is needed.
      lookup: (host, _, callback) => callback(null, host, isIP(host)),
    });
    this.#socket = socket;
    const reachable = (address: string): string | null => {
      if (isIP(address) === family) return address;
      return bothFamilies ? `::ffff:${address}` : null; // RFC 4291, 2.5.5.2
    };
    this.#outgoing = new DatagramSender(this.slot, command.rings.send, socket, resolver, reachable, () =>
      this.#whenSent(),
    );
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
    if (this.#bound) this.#outgoing.service();
    if (this.slot.request & REQUEST_CLOSE && !this.#closing) {
      this.#closing = true;
      setTimeout(() => this.#destroy(), this.#lingerMs).unref();
      this.#whenSent();
    }
  }

  shutdown(): void {
    this.#destroy();
  }

  /** Performs a call and replies to it. */
  call(command: UdpCallCommand): void {
    if (command.call.name === "cancel") this.#cancel(command.request);
    else this.#call = command;
    this.service();
    this.#whenSent();
  }

  #cancel(request: number): void {
    if (this.#call?.request === request) this.#call = null;
    if (this.#connected && this.#connectRequest === request) this.#disconnect();
  }

  /**
   * Performs the waiting call if no datagrams are before it; for a change of the peer, also none whose host is being
   * looked up.
   */
  #whenNoneBefore(): void {
    const command = this.#call;
    if (command === null) return;
    const { name } = command.call;
    const changesPeer = name === "connect" || name === "disconnect";
    if (changesPeer ? !this.#outgoing.idle : !this.#outgoing.inOrder) return;
    this.#call = null;
    const reply = (error: unknown): void => {
      const fault = error ? faultOf(error) : null;
      this.slot.link.post({ type: "reply", request: command.request, fault });
      this.slot.link.waker.wakeAnyway();
    };
    try {
      this.#perform(command, reply);
    } catch (error) {
      reply(error);
    }
  }

  #disconnect(): void {
    this.#connected = false;
    this.#socket.disconnect();
  }

  #perform({ call, request }: UdpCallCommand, reply: (error: unknown) => void): void {
    const socket = this.#socket;
    switch (call.name) {
      case "connect":
        if (this.#connected) this.#disconnect();
        this.#connectRequest = request;
        socket.connect(call.port, call.host, ((error?: Error) => {
          this.#connected = !error;
          reply(error);
        }) as () => void);
        return;
      case "disconnect":
        this.#disconnect();
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
    if (!FILTERS_DATAGRAMS && this.#connected && !this.#isPeer(from)) return;
    this.slot.link.onActivity(bytes.length);
    if (this.#incoming.write(from.address, from.port, bytes)) this.#waking.arrived(bytes.length, true);
    else this.slot.count();
  }

  #isPeer({ address, port }: RemoteInfo): boolean {
    const peer = this.#socket.remoteAddress();
    return port === peer.port && isSameIP(address, peer.address);
  }

  /** Does what waits for the datagrams before it: a call, or the close. */
  #whenSent(): void {
    if (this.#destroyed) return;
    this.#whenNoneBefore();
    if (this.#closing && this.#outgoing.idle) this.#destroy();
  }

  #bind({ host, broadcast }: BindCommand, port: number): void {
    this.#socket.bind({ port, ...(host === null ? {} : { address: host }) }, () => this.#listening(broadcast));
  }

  /**
   * On Linux a socket loses the port that the system picked for it when it disconnects, and Node disconnects a socket
   * before it connects it again. So another socket gets a port picked and is closed, and this one binds to that port by
   * number.
   */
  #choosePort(command: BindCommand, tries = 8): void {
    const { family, reuseAddr, reusePort, ipv6Only, host } = command;
    const shared = reusePort ? { reusePort } : {};
    const scout = dgram.createSocket({ type: family === 6 ? "udp6" : "udp4", reuseAddr, ...shared, ipv6Only });
    scout.on("error", (error) => this.slot.fail(faultOf(error)));
    scout.bind({ port: 0, ...(host === null ? {} : { address: host }) }, () => {
      const { port } = scout.address();
      this.#chooseAgain = () => {
        if (tries > 1) this.#choosePort(command, tries - 1);
        return tries > 1;
      };
      // On Deno the port is free only after this callback.
      scout.close(() => {
        if (!this.#destroyed) this.#bind(command, port);
      });
    });
  }

  #destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#outgoing.stop();
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
