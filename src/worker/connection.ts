/**
 * One connection, TCP, TLS or Unix: a Node socket, a slot and two rings, from opening to release.
 *
 * Runs on the networking thread.
 *
 * It ends in one of three ways. The peer ends: then reading has ended (READ_ENDED) while sending may continue. It fails
 * (PHASE_FAILED). Or the caller closes it: then it sends what is pending, ends its side, and reads and discards until
 * the peer has ended too, because closing a socket with unread bytes makes the kernel send a reset, which can destroy
 * bytes on their way to the peer. The linger time bounds this. A connection that carried no byte can lose none, and is
 * closed immediately. The slot is released when Node has closed the socket: then nothing writes to the rings any more.
 */

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  KEEP_ALIVE_DELAY,
  OPTION_KEEP_ALIVE,
  OPTION_NO_DELAY,
  PHASE_OPEN,
  PHASE_WAITING,
  REQUEST_CLOSE,
  REQUEST_END,
  REQUEST_OPTIONS,
  REQUEST_RESET,
} from "../ring/layout.js";
import type { RingPair, StartTlsCommand, Target } from "../ring/protocol.js";
import type { Handle } from "./caller-link.js";
import { connectionFacts } from "./connection-facts.js";
import { faultOf } from "./faults.js";
import { errorBehindEnd, readOnAfterRefusedWrite, resetBehindEnd } from "./node-internals.js";
import { type Remains, releasePushed, takePushed } from "./pushed-bytes.js";
import { Receiver } from "./receiver.js";
import { isSecure } from "./secure-modules.js";
import { Sender } from "./sender.js";
import type { Slot } from "./slot.js";
import type { TlsContextCache } from "./tls-context-cache.js";
import type { TlsSessions } from "./tls-sessions.js";
import { startClient, startServer } from "./tls-start.js";

export class Connection implements Handle {
  readonly slot: Slot;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #lingerMs: number;
  #socket: Socket | null = null;
  /** Cancels the attempts to connect; null once there is a socket. */
  #giveUp: (() => void) | null = null;
  #error: unknown = null;
  #closing = false;
  #closed = false;
  /** Node has reported the end of the stream: there is nothing more to read. */
  #endSeen = false;
  #linger: NodeJS.Timeout | null = null;
  /** What it was connected to, for TLS to verify; null if it was accepted. */
  target: Target | null = null;
  /** The last options applied; -1: the socket's initial ones. */
  #options = -1;

  constructor(slot: Slot, rings: RingPair, lingerMs: number) {
    this.slot = slot;
    this.#lingerMs = lingerMs;
    this.#receiver = new Receiver(slot, rings.receive);
    this.#sender = new Sender(slot, rings.send);
    slot.link.handles.set(slot.handleId, this);
  }

  /** The option `onread` of Node's sockets: the kernel writes straight into the ring. */
  get onread(): { buffer: () => Uint8Array; callback: (count: number) => boolean } {
    return { buffer: () => this.#receiver.nextBuffer(), callback: (count) => this.#receiver.received(count) };
  }

  /** Bytes that arrived before the connection took the socket. */
  early(bytes: Uint8Array): void {
    this.#receiver.chunk(bytes);
  }

  /** The attempt to connect has started; `giveUp` cancels it without reporting anything. */
  connecting(giveUp: () => void): void {
    this.#giveUp = giveUp;
  }

  /** Takes the socket, whose TLS handshake may still follow. `direct`: whether it was made with `onread`. */
  take(socket: Socket, direct: boolean): void {
    this.#giveUp = null;
    this.#socket = socket;
    this.#receiver.resume = () => socket.resume();
    readOnAfterRefusedWrite(
      socket,
      (error, destroy) => this.#readOn(error, destroy),
      (error) => (this.#error instanceof Error ? this.#error : error),
    );
    // After `startTls` the connection has another socket, and ignores this one's events.
    const mine = (): boolean => this.#socket === socket;
    socket.on("end", () => {
      if (!mine()) return;
      this.#endSeen = true;
      const secure = isSecure(socket);
      const behind = (): Error | null =>
        secure ? resetBehindEnd(socket) : errorBehindEnd(socket, (bytes) => this.#receiver.chunk(bytes));
      // An end after an error does not count: Bun reports one for a TLS stream that was tampered with.
      const error = this.#error instanceof Error ? this.#error : behind();
      if (error === null) this.#receiver.finish(() => this.#readingEnded());
      else socket.destroy(error);
    });
    socket.on("finish", () => mine() && this.#writingEnded());
    const address = isSecure(socket) ? socket.remoteAddress : undefined; // the system's errors of plain TCP have it
    socket.on("error", (error: Error & { address?: string }) => {
      if (address !== undefined) error.address ??= address;
      if (mine()) this.#error ??= error;
    });
    socket.on("close", () => {
      if (!mine()) return;
      if (this.#error !== null) this.slot.failWriting(faultOf(this.#error));
      this.#receiver.finish(() => this.#socketClosed());
    });
    if (!direct) takePushed(socket, this.#receiver);
  }

  /**
   * The socket is connected, with TLS the peer is verified: reports that and begins to send. `known`: the caller has
   * the facts already, as for an accepted connection.
   */
  opened(known = false): void {
    const socket = this.#socket as Socket;
    this.slot.connected(known ? null : connectionFacts(socket));
    this.#sender.start(socket);
    this.service();
  }

  /**
   * The program starts TLS: received bytes that were not read are the first of TLS. If the handshake fails, the
   * connection ends.
   */
  startTls(command: StartTlsCommand, contexts: TlsContextCache, sessions: TlsSessions): void {
    const below = this.#socket;
    if (this.#closing || this.#closed || below === null) return;
    const ended = this.slot.readEnded || below.readableEnded || below.destroyed || this.#error !== null;
    if (ended || !this.#sender.stop()) {
      below.destroy(startedTooLate(this.#error)); // its 'close' event reports the reason
      return;
    }
    below.pause();
    releasePushed(below);
    const { bytes, position } = this.#receiver.surrender();
    this.#socket = null;
    this.connecting(() => below.destroy());
    const first = Buffer.concat([command.early, bytes]);
    if (first.length > 0) below.unshift(first);
    const end = {
      done: (socket: TLSSocket): void => {
        if (this.#closed) return void socket.destroy();
        this.#options = -1;
        socket.setNoDelay(true); // a socket object has only the settings made on it
        this.take(socket, false);
        this.slot.secured(connectionFacts(socket), position);
        this.#sender.start(socket);
        this.service();
      },
      failed: (error: Error): void => {
        if (!this.#closed) this.failed(error);
      },
    };
    try {
      if (command.isServer) startServer(contexts, command.tls, below, end);
      else startClient(contexts, sessions, command.tls, below, this.target, end);
    } catch (error) {
      end.failed(error as Error);
      below.destroy();
    }
  }

  /** An accepted socket was destroyed before it was accepted: delivers the bytes it had received, then its error. */
  gone({ pieces, error }: Remains): void {
    this.slot.connected(null);
    this.#error = error;
    this.slot.failWriting(faultOf(error));
    for (const bytes of pieces) this.#receiver.chunk(bytes);
    this.#receiver.finish(() => this.#socketClosed());
    this.service();
  }

  /** The attempt to connect has failed. */
  failed(error: unknown): void {
    this.#closed = true;
    this.#giveUp = null;
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.slot.fail(faultOf(error));
    this.service();
  }

  service(): void {
    const request = this.slot.request;
    if (request !== 0) this.#handleRequest(request);
    if (this.#closed) return;
    this.#receiver.maybeResume();
    this.#sender.pump();
  }

  #handleRequest(request: number): void {
    if (request & REQUEST_OPTIONS) this.#applyOptions(request);
    if (request & REQUEST_RESET) this.#reset();
    else if (request & REQUEST_CLOSE) this.#close();
    else if (request & REQUEST_END) this.#sender.end();
  }

  #applyOptions(request: number): void {
    const delay = Atomics.load(this.slot.words, KEEP_ALIVE_DELAY); // partner: Channel.setOptions
    const options = (request & (OPTION_NO_DELAY | OPTION_KEEP_ALIVE)) + 64 * delay;
    if (options === this.#options || this.#socket === null) return;
    this.#options = options;
    this.#socket.setNoDelay((request & OPTION_NO_DELAY) !== 0);
    this.#socket.setKeepAlive((request & OPTION_KEEP_ALIVE) !== 0, delay);
  }

  #reset(): void {
    this.#receiver.discard();
    const socket = this.#socket;
    if (this.#closed || socket === null) {
      this.#abandon();
      return;
    }
    this.#closing = true;
    this.#cutOff(socket);
  }

  /** Ends it with a reset. Node can reset only plain TCP; a TLS or Unix socket is closed. */
  #cutOff(socket: Socket): void {
    if (isSecure(socket) || this.slot.phase !== PHASE_OPEN) socket.destroy();
    else {
      try {
        socket.resetAndDestroy();
      } catch {
        socket.destroy();
      }
    }
  }

  /**
   * This thread is about to park. A peer must not take the end of the bytes sent so far for the end of all, so pending
   * bytes mean a reset.
   */
  shutdown(): void {
    if (this.#socket !== null && !this.#closed && this.#sender.pending > 0) this.#cutOff(this.#socket);
  }

  #close(): void {
    this.#receiver.discard();
    if (this.#closed) this.slot.release();
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    if (this.#socket === null) {
      if (this.#sender.pending === 0) this.#abandon();
      else this.#linger = setTimeout(() => this.#abandon(), this.#lingerMs);
      this.#sender.end();
      return;
    }
    if (this.#error !== null) {
      this.#socket.destroy();
      return;
    }
    const { bytesRead, bytesWritten } = this.#socket;
    const unused = bytesRead === 0 && bytesWritten === 0 && !isSecure(this.#socket);
    if (this.#sender.pending === 0 && (unused || this.slot.phase === PHASE_WAITING)) {
      this.#socket.destroy();
      return;
    }
    this.#linger = setTimeout(() => this.#abandon(), this.#lingerMs);
    this.#sender.end();
    if (this.slot.readEnded && this.#socket.writableFinished) this.#socket.destroy();
  }

  /** Ends it immediately, whether there is a socket yet or not. If bytes are dropped, the peer gets a reset. */
  #abandon(): void {
    if (this.#socket !== null && !this.#closed) {
      if (this.#sender.pending > 0) this.#cutOff(this.#socket);
      else this.#socket.destroy();
      return;
    }
    this.#closed = true;
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#giveUp?.();
    this.slot.release();
  }

  #readingEnded(): void {
    this.slot.endReading();
    if (this.#closing && this.#socket?.writableFinished) this.#socket.destroy();
  }

  #writingEnded(): void {
    this.slot.endWriting();
    if (this.#closing && this.slot.readEnded) this.#socket?.destroy();
  }

  #socketClosed(): void {
    this.#closed = true;
    if (this.#linger !== null) clearTimeout(this.#linger);
    if (this.#error !== null) this.slot.fail(faultOf(this.#error));
    else if (!this.#closing && (this.slot.phase === PHASE_WAITING || this.#sender.pending > 0)) {
      this.slot.fail({ code: "ECONNRESET", message: "the connection was closed before everything was sent" });
    }
    if (this.#closing) this.slot.release();
    else this.service();
  }

  /**
   * After a refused write, reading continues until the kernel has no more bytes, which is soon on such a connection;
   * the linger time bounds it.
   */
  #readOn(error: Error, destroy: () => void): boolean {
    if (this.#closing || this.#endSeen) return false;
    this.#error = error;
    this.slot.failWriting(faultOf(error));
    const giveUp = (): void => {
      if (this.#receiver.paused) this.#linger = setTimeout(giveUp, this.#lingerMs);
      else destroy();
    };
    this.#linger = setTimeout(giveUp, this.#lingerMs);
    return true;
  }
}

function startedTooLate(error: unknown): Error {
  if (error instanceof Error) return error;
  return Object.assign(new Error("the connection had ended before TLS was started"), { code: "ECONNRESET" });
}
