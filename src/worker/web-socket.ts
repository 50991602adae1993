/**
 * One WebSocket: a `ws` object, a slot, and two rings of messages, from the handshake to the release.
 *
 * Runs on the networking thread. `ws` implements the protocol: it masks, compresses, and verifies what the peer sends.
 * It is loaded when the first WebSocket is opened.
 *
 * It ends when the peer closes it, the program closes it (by a record in the send ring, after its messages), or the
 * connection is lost. In each case a CLOSE record follows the last message in the receive ring, and reading has ended.
 * Once the program has closed the handle, received messages are discarded until the closing handshake is done, for at
 * most the linger time.
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
import { answerPings } from "./web-socket-pongs.js";

/** The code sent when the program ends without closing it. RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;

export class WebSocketConnection implements Handle {
  readonly slot: Slot;
  readonly #receiver: MessageReceiver;
  readonly #sender: MessageSender;
  readonly #lingerMs: number;
  #webSocket: WebSocket | null = null;
  #socket: Socket | null = null;
  /** Cancels the attempt to open; null once it is open. */
  #giveUp: () => void = () => {};
  #error: unknown = null;
  /** The program has closed the handle. */
  #closing = false;
  /** The connection is gone, or could not be made. */
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

  /** The attempt has started; `giveUp` cancels it without reporting anything. */
  opening(giveUp: () => void): void {
    this.#giveUp = giveUp;
  }

  /** Whether the program has not closed it. */
  get wanted(): boolean {
    return !this.#over;
  }

  /** The attempt to connect has failed. */
  failed(error: unknown): void {
    if (this.#over) return;
    this.#end();
    this.slot.fail(faultOf(error));
    this.service();
  }

  /** The handshake is done; `url` and `headers` are the peer's. `known`: the caller knows the facts. */
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
    socket.on("error", failed); // `ws` does not report these errors
    webSocket.on("close", (code, reason) => this.#closed(code, reason));
    answerPings(webSocket);
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
    // Written after the close frame, so the callback runs once the kernel has taken that.
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

  /** The program closes the handle. */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#receiver.discard();
    if (this.#over) {
      this.slot.release();
    } else if (this.#webSocket === null && !this.#sender.hasMessage) {
      this.#abandon();
    } else {
      this.#linger = setTimeout(() => this.#abandon(), this.#lingerMs);
      this.#sender.pump();
      this.#whenSent();
    }
  }

  /** The program ends without closing it: sends 1001 after the pending messages. */
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

  /** Ends it immediately, whether it is open yet or not. */
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

  /** A peer that has not answered a ping by the time of the next one counts as lost. */
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
