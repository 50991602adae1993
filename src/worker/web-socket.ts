/**
 * One WebSocket: one of `ws`, a slot, and two rings of messages, from the handshake to the release.
 *
 * Runs on the networking thread. `ws` speaks the protocol: it answers pings, masks, compresses, and verifies what the peer sends. It is loaded
 * when the first WebSocket is opened.
 *
 * How it ends: the peer closes, or the program (its close is a record in the send ring, behind its messages), or the connection is lost. In each
 * case a CLOSE record comes behind the last message in the receive ring, and reading has ended. When the program gives the handle back, what
 * still comes is thrown away until the closing handshake is over, for at most the linger time.
 */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { PHASE_RELEASED, REQUEST_CLOSE, REQUEST_RESET } from "../ring/layout.js";
import { ABNORMAL, BINARY, CLOSE, closePayload, NO_STATUS, TEXT } from "../ring/message-record.js";
import type { RingPair, WebSocketSettings } from "../ring/protocol.js";
import type { Handle } from "./caller-link.js";
import { connectionFacts } from "./connection-facts.js";
import { faultOf } from "./faults.js";
import { MessageReceiver } from "./message-receiver.js";
import { MessageSender } from "./message-sender.js";
import type { Slot } from "./slot.js";

/** The code of a program that goes away without a close of its own. RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;

export class WebSocketConnection implements Handle {
  readonly slot: Slot;
  readonly #receiver: MessageReceiver;
  readonly #sender: MessageSender;
  readonly #lingerMs: number;
  #webSocket: WebSocket | null = null;
  #socket: Socket | null = null;
  /** What gives up the attempt to open, until it is open. */
  #giveUp: () => void = () => {};
  #error: unknown = null;
  /** The program has given the handle back. */
  #closing = false;
  /** There is no connection any more, or there never will be. */
  #over = false;
  #linger: NodeJS.Timeout | null = null;
  #pings: NodeJS.Timeout | null = null;
  #answered = true;

  constructor(slot: Slot, rings: RingPair, lingerMs: number) {
    this.slot = slot;
    this.#lingerMs = lingerMs;
    this.#receiver = new MessageReceiver(slot, rings.receive);
    this.#sender = new MessageSender(
      slot,
      rings.send,
      (code, reason) => this.#sendClose(code, reason),
      () => this.#whenSent(),
    );
    slot.link.handles.set(slot.handleId, this);
  }

  /** It is on its way; `giveUp` ends that without a trace. */
  opening(giveUp: () => void): void {
    this.#giveUp = giveUp;
  }

  /** Whether the program still wants it. */
  get wanted(): boolean {
    return !this.#over;
  }

  /** There will be no connection. */
  failed(error: unknown): void {
    if (this.#over) return;
    this.#end();
    this.slot.fail(faultOf(error));
    this.service();
  }

  /** The handshake is done; `url` and `headers` are those of the other end. `known`: the caller knows the facts. */
  opened(
    webSocket: WebSocket,
    socket: Socket,
    settings: WebSocketSettings,
    request: { url: string; headers: Record<string, string | string[] | undefined> } | null,
  ): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#receiver.pause = () => webSocket.pause();
    this.#receiver.resume = () => webSocket.resume();
    webSocket.on("message", (data, isBinary) => this.#receiver.message(isBinary ? BINARY : TEXT, data as Buffer));
    const failed = (error: Error): void => {
      this.#error ??= error;
    };
    webSocket.on("error", failed);
    socket.on("error", failed); // `ws` keeps these to itself
    webSocket.on("close", (code, reason) => this.#closed(code, reason));
    if (settings.pingInterval > 0) this.#startPings(webSocket, settings.pingInterval);
    if (request === null) {
      this.slot.connected(null);
    } else {
      const { protocol, extensions } = webSocket;
      this.slot.connected({ ...connectionFacts(socket), webSocket: { protocol, extensions, ...request } });
    }
    this.#sender.start(webSocket, socket);
    this.service();
  }

  service(): void {
    const { request } = this.slot;
    if (request & REQUEST_RESET) this.#reset();
    else if (request & REQUEST_CLOSE) this.#close();
    if (this.slot.phase === PHASE_RELEASED) return;
    this.#receiver.maybeResume();
    this.#sender.pump();
  }

  shutdown(): void {
    if (this.#sender.pending > 0) this.#socket?.destroy();
  }

  #sendClose(code: number, reason: Buffer): void {
    const webSocket = this.#webSocket as WebSocket;
    if (code === NO_STATUS) webSocket.close();
    else webSocket.close(code, reason);
    // Behind the close, so it is called when the kernel has that.
    this.#socket?.write("", () => {
      if (this.slot.phase !== PHASE_RELEASED) this.slot.endWriting();
    });
  }

  #closed(code: number, reason: Buffer): void {
    this.#end();
    if (this.#error !== null && code === ABNORMAL) this.slot.failWriting(faultOf(this.#error));
    this.#receiver.message(CLOSE, closePayload(code, reason));
    this.#receiver.finish(() => {
      this.slot.endReading();
      if (this.#closing) this.slot.release();
    });
  }

  /** The program gives the handle back. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#receiver.discard();
    if (this.#over) {
      this.slot.release();
    } else if (this.#webSocket === null && this.#sender.pending === 0) {
      this.#abandon();
    } else {
      this.#linger = setTimeout(() => this.#abandon(), this.#lingerMs);
      this.#sender.pump();
      this.#whenSent();
    }
  }

  /** A program that said nothing goes away, once what it wrote is sent. */
  #whenSent(): void {
    const webSocket = this.#webSocket;
    if (!this.#closing || webSocket === null || this.#sender.pending > 0 || webSocket.readyState !== webSocket.OPEN)
      return;
    this.#sender.stop();
    this.#sendClose(GOING_AWAY, Buffer.alloc(0));
  }

  #reset(): void {
    this.#closing = true;
    this.#receiver.discard();
    this.#abandon();
  }

  /** Ends it at once, whether it is open yet or not. */
  #abandon(): void {
    if (this.#webSocket !== null && !this.#over) {
      this.#webSocket.terminate();
      return;
    }
    this.#end();
    this.#giveUp();
    this.slot.release();
  }

  #end(): void {
    this.#over = true;
    this.#sender.stop();
    if (this.#linger !== null) clearTimeout(this.#linger);
    if (this.#pings !== null) clearInterval(this.#pings);
  }

  /** A peer that has not answered a ping when the next one is due is gone. */
  #startPings(webSocket: WebSocket, interval: number): void {
    webSocket.on("pong", () => {
      this.#answered = true;
    });
    this.#pings = setInterval(() => {
      if (webSocket.readyState !== webSocket.OPEN) return;
      if (this.#answered || webSocket.isPaused) {
        this.#answered = false;
        webSocket.ping();
        return;
      }
      const message = `no answer to a ping within ${interval} ms`;
      this.#error ??= Object.assign(new Error(message), { code: "ETIMEDOUT" });
      webSocket.terminate();
    }, interval);
  }
}
