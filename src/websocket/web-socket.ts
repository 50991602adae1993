/**
 * A WebSocket: receiving, sending and closing.
 *
 * Runs on the calling thread.
 */

import type { Status } from "../main/api/address.js";
import * as check from "../main/api/arguments.js";
import { Handle } from "../main/api/handle.js";
import { closedHere, NetError, timedOut } from "../main/api/net-error.js";
import type { Channel, Rings } from "../main/link/channel.js";
import { Deadline, type Timeout } from "../main/link/deadline.js";
import { READABLE, WRITABLE } from "../main/link/watcher.js";
import {
  PHASE_FAILED,
  PHASE_MASK,
  PHASE_OPEN,
  PHASE_WAITING,
  READ_ENDED,
  REQUEST_CLOSE,
  REQUEST_RESET,
  WRITE_FAILED,
} from "../ring/layout.js";
import { ABNORMAL, BINARY, MAX_REASON_BYTES, NO_STATUS, NORMAL, TEXT } from "../ring/message-record.js";
import type { ConnectionFacts } from "../ring/protocol.js";
import { metOrAsk } from "../ring/room-interest.js";
import { IncomingMessages, type Message } from "./incoming-messages.js";
import { OutgoingMessages } from "./outgoing-messages.js";

export type { Message } from "./incoming-messages.js";

/** One end of a WebSocket. Made by `openWebSocket` or a server's `accept`. */
export class WebSocket extends Handle {
  readonly #channel: Channel;
  readonly #incoming: IncomingMessages;
  readonly #outgoing: OutgoingMessages;
  /** Whether the program has been shown that it is open, and that it is closed. */
  #openReported: boolean;
  #closeReported = false;
  /** Whether this end has requested the closing handshake. */
  #ended = false;
  #closeRequest = REQUEST_CLOSE;
  #closedError: NetError | null = null;
  /** For an accepted client whose handshake is being answered, first the ones of its request. */
  #knownFacts: ConnectionFacts | null;
  /** The length in bytes of the message for which a call awaits room. */
  #wanted = 0;

  /** @internal Use `openWebSocket` or a server's `accept`. */
  constructor(channel: Channel, accepted: boolean, request: ConnectionFacts | null = null) {
    super();
    this.#knownFacts = request;
    const rings = channel.rings as Rings;
    this.#channel = channel;
    channel.hasCloseMessage = true;
    this.#incoming = new IncomingMessages(channel, rings);
    this.#outgoing = new OutgoingMessages(channel, rings);
    this.#openReported = accepted;
    this.bindChannel(channel, () => channel.request(REQUEST_CLOSE));
  }

  // State.

  /**
   * `waiting` until the handshake is done, then `success`; `failure` once the handshake or the connection has failed, the
   * peer broke the protocol, or it was closed here. After a closing handshake, or if the peer just ended the connection,
   * it is still `success`; see `closeCode`.
   */
  get status(): Status {
    if (this.closed) return "failure";
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) {
      this.#channel.link.caller.maybeCheckLiveness();
      return "waiting";
    }
    return phase === PHASE_OPEN && (state & WRITE_FAILED) === 0 ? "success" : "failure";
  }

  /** Why the status is `failure`, or null. The same object each time. */
  get error(): NetError | null {
    if (this.closed) return this.#closedHere();
    return this.status === "failure" ? this.#channel.error : null;
  }

  /** The subprotocol that the server chose; "" if there is none, or it is not open yet. */
  get protocol(): string {
    return this.#facts?.webSocket?.protocol ?? "";
  }

  /** The extensions in use, as in the header `Sec-WebSocket-Extensions`; "" if none, or not open yet. */
  get extensions(): string {
    return this.#facts?.webSocket?.extensions ?? "";
  }

  /** Path and query of the request; "" if not open yet. */
  get url(): string {
    return this.#facts?.webSocket?.url ?? "";
  }

  /** The peer's headers, with lower-case names: on a client the response's, on a server the request's. */
  get headers(): Readonly<Record<string, string | string[] | undefined>> {
    return this.#facts?.webSocket?.headers ?? {};
  }

  /** The peer's IP; undefined until connected. */
  get remoteAddress(): string | undefined {
    return this.#facts?.remoteAddress;
  }

  /** The peer's port; undefined until connected. */
  get remotePort(): number | undefined {
    return this.#facts?.remotePort;
  }

  /**
   * The peer's close code, once `receive` has returned `null`; until then `null`. 1005: its close had no code. 1006:
   * the connection was lost or the peer broke the protocol; `error` has the reason.
   */
  get closeCode(): number | null {
    return this.#incoming.close?.code ?? null;
  }

  /** The peer's reason, once `receive` has returned `null`; "" until then, and if there is none. */
  get closeReason(): string {
    return this.#incoming.close?.reason ?? "";
  }

  /** Bytes of messages that the operating system has not taken yet, including a few for each message. */
  get bufferedAmount(): number {
    return this.closed ? 0 : this.#channel.unsent + this.#outgoing.rest;
  }

  /** @internal Whether it was ever open: messages that arrived before a failure can then be received. */
  get wasOpen(): boolean {
    return this.#facts !== null;
  }

  /**
   * Blocks until it is open or has failed, or for `timeout` ms; returns the status. Throws only for a wrong timeout.
   */
  waitUntilOpen(timeout: Timeout = -1): Status {
    this.#block(Deadline.of(timeout), WebSocket.#isSettled);
    this.reported(READABLE);
    return this.status;
  }

  // Receiving.

  /**
   * The next message, a string or a Buffer as the peer sent it; `null` once the connection is closed and all messages
   * were returned. Without `timeout` it returns immediately, `undefined` if there is no message yet. With it, it blocks
   * for at most that many ms (-1: no limit), and then throws a `NetError` with code `ETIMEDOUT`. Throws the error of a
   * failed handshake.
   */
  receive(): Message | null | undefined;
  receive(timeout: Timeout): Message | null;
  receive(timeout?: Timeout): Message | null | undefined {
    const length = this.#await("receive", timeout);
    if (length === null || length === undefined) return length;
    return this.#incoming.take();
  }

  /**
   * The same, copied into `target`: returns the message's length in bytes; text is copied as UTF-8. Throws a `NetError`
   * with code `EMSGSIZE` if the message is longer than `target`; the message remains readable.
   */
  receiveInto(target: Uint8Array): number | null | undefined;
  receiveInto(target: Uint8Array, timeout: Timeout): number | null;
  receiveInto(target: Uint8Array, timeout?: Timeout): number | null | undefined {
    if (!(target instanceof Uint8Array)) throw new TypeError("target must be a Uint8Array");
    const length = this.#await("receiveInto", timeout);
    if (length === null || length === undefined) return length;
    if (length > target.length) {
      const text = `the message has ${length} bytes, and target ${target.length}; it remains readable`;
      throw new NetError({ code: "EMSGSIZE", message: text });
    }
    this.#incoming.takeInto(target);
    return length;
  }

  /**
   * Blocks until `receive` will return a message or `null`, or throw, or for `timeout` ms (0: polls once; -1: no
   * limit); returns whether it will.
   */
  waitUntilReadable(timeout: Timeout = -1): boolean {
    this.#mustBeOpen();
    return this.#block(Deadline.of(timeout), WebSocket.#hasMessage);
  }

  // Sending.

  /**
   * Takes a whole message, a string as text, anything else as bytes, and returns immediately. Returns false, and takes
   * nothing, if the send ring has no room for it now (see `waitUntilWritable`). Throws a `NetError` with code
   * `EMSGSIZE` if it is longer than the ring (see `sendWait`), `EPIPE` if the connection is closing or closed, or the
   * error with which the connection failed.
   */
  send(data: string | NodeJS.ArrayBufferView): boolean {
    this.#mustBeSendable();
    const kind = typeof data === "string" ? TEXT : BINARY;
    const bytes = check.bytes("data", data);
    if (bytes.length > this.#outgoing.longest) throw tooLong(bytes.length, this.#outgoing.longest);
    if (this.#outgoing.send(kind, bytes)) return true;
    this.#channel.link.caller.maybeCheckLiveness();
    return false;
  }

  /**
   * Takes a message of any length; blocks while there is no room for it, for at most `timeout` ms (-1: no limit).
   * Throws as `send`, and a `NetError` with code `ETIMEDOUT` when the time is up. A part of a message longer than the
   * ring may be sent by then: the rest is kept, and is sent before the next message, whenever a call sends or waits.
   */
  sendWait(data: string | NodeJS.ArrayBufferView, timeout: Timeout = -1): void {
    const deadline = Deadline.of(timeout);
    this.#mustBeSendable();
    const kind = typeof data === "string" ? TEXT : BINARY;
    const bytes = check.bytes("data", data);
    this.#wanted = Math.min(bytes.length, this.#outgoing.longest);
    if (bytes.length <= this.#outgoing.longest) {
      while (!this.#outgoing.send(kind, bytes)) this.#awaitRoom(deadline, "it was not sent");
      return;
    }
    while (!this.#outgoing.sendRest()) this.#awaitRoom(deadline, "it was not sent");
    this.#outgoing.begin(kind, bytes);
    try {
      while (!this.#outgoing.sendRest()) {
        this.#awaitRoom(deadline, "a part was sent, and the rest will be sent before the next message");
      }
    } finally {
      this.#outgoing.keepRest();
    }
  }

  /**
   * Blocks until `send` would take a message of `bytes` bytes (default 1), or throw, or for `timeout` ms (0: polls
   * once; -1: no limit); returns whether it would.
   */
  waitUntilWritable(timeout: Timeout = -1, bytes = 1): boolean {
    this.#mustBeOpen();
    this.#wanted = check.integer("bytes", bytes, 0, this.#outgoing.longest);
    return this.#block(Deadline.of(timeout), WebSocket.#isWritable);
  }

  /**
   * Blocks until the operating system has taken everything or the connection is closed, or for `timeout` ms; returns
   * `bufferedAmount`.
   */
  waitUntilDrained(timeout: Timeout = -1): number {
    this.#mustBeOpen();
    this.#block(Deadline.of(timeout), WebSocket.#isDrained);
    return this.bufferedAmount;
  }

  // Ending.

  /**
   * Starts the closing handshake, after all sent messages; nothing can be sent afterwards. Messages are received until
   * the peer has closed too: then `receive` returns `null` and `closeCode` is the peer's. `code` is 1000 to 1003, 1007
   * to 1014, or 3000 to 4999 (programs may define their own from 3000 on), none by default; the reason has up to 123
   * bytes in UTF-8. Does nothing if it is already closing.
   */
  end(code?: number, reason = ""): void {
    const close = checkedClose(code, reason);
    this.#mustBeOpen();
    this.#end(close);
  }

  /**
   * As `end`, and closes the handle: further messages are dropped. Pending messages and the closing handshake are sent
   * in the background, for at most the runtime's linger time. If it is not open yet and no message was sent, the attempt
   * is given up. Calling it again does nothing.
   */
  override close(code?: number, reason = ""): void {
    const close = checkedClose(code, reason);
    if (this.closed) return;
    this.#end(close);
    super.close();
  }

  /** Ends the connection immediately, without a closing handshake: the peer sees code 1006. Closes the handle. */
  terminate(): void {
    if (this.closed) return;
    this.#closeRequest = REQUEST_RESET;
    this.#ended = true;
    super.close();
  }

  // For pollers.

  /**
   * Whether there is a message, a part of a long one, a close that was not received or a failure that was not thrown
   * yet, or it has just opened.
   */
  get ready(): boolean {
    if (this.closed) return false;
    if (this.#incoming.any) return true;
    const state = this.#channel.state;
    const phase = state & PHASE_MASK;
    if (phase === PHASE_WAITING) return false;
    if ((state & READ_ENDED) !== 0) return !this.#closeReported;
    if (phase === PHASE_FAILED) return !this.#channel.errorTaken(READABLE);
    return !this.#openReported;
  }

  /** @internal */
  override readyFor(interest: number): boolean {
    if ((interest & READABLE) !== 0 && this.ready) return true;
    if ((interest & WRITABLE) === 0 || this.closed || this.status === "waiting") return false;
    if (!this.#sendable) return !this.#ended && !this.#closeReported && !this.#channel.errorTaken(WRITABLE);
    this.#wanted = 1;
    return WebSocket.#isWritable(this);
  }

  /** @internal */
  override reported(interest: number): void {
    if ((interest & READABLE) === 0 || this.closed) return;
    if (this.#channel.phase === PHASE_OPEN) this.#openReported = true;
  }

  protected override onClose(): void {
    this.#learnFacts();
    this.unbindChannel();
    this.#channel.request(this.#closeRequest);
  }

  static #isSettled(socket: WebSocket): boolean {
    return socket.closed || socket.#channel.phase !== PHASE_WAITING;
  }

  static #hasMessage(socket: WebSocket): boolean {
    if (socket.#incoming.next() >= 0) return true;
    return (socket.#channel.state & READ_ENDED) !== 0 || socket.#channel.phase === PHASE_FAILED;
  }

  // The conditions on room declare write interest if they do not hold.

  static #isWritable(socket: WebSocket): boolean {
    return metOrAsk(socket.#channel.words, WebSocket.#hasRoom, socket);
  }

  static #hasRoom(socket: WebSocket): boolean {
    if (!socket.#sendable) return true;
    return socket.#outgoing.sendRest() && socket.#outgoing.hasRoom(socket.#wanted);
  }

  /** For a part of a long message. */
  static #hasAnyRoom(socket: WebSocket): boolean {
    return metOrAsk(socket.#channel.words, WebSocket.#hasSentRest, socket);
  }

  static #hasSentRest(socket: WebSocket): boolean {
    return !socket.#sendable || socket.#outgoing.sendRest();
  }

  static #isDrained(socket: WebSocket): boolean {
    return metOrAsk(socket.#channel.words, WebSocket.#isSent, socket);
  }

  static #isSent(socket: WebSocket): boolean {
    if (socket.#outgoing.sendRest() && socket.#channel.unsent === 0) return true;
    const { state } = socket.#channel;
    return (state & (READ_ENDED | WRITE_FAILED)) !== 0 || (state & PHASE_MASK) === PHASE_FAILED;
  }

  get #facts(): ConnectionFacts | null {
    if (!this.closed) this.#learnFacts();
    return this.#knownFacts;
  }

  #learnFacts(): void {
    if (this.#channel.facts === null) this.#channel.link.takeNotices();
    this.#knownFacts = this.#channel.facts ?? this.#knownFacts;
  }

  /** Whether messages can still be sent. */
  get #sendable(): boolean {
    if (this.#ended) return false;
    const state = this.#channel.state;
    return (state & (READ_ENDED | WRITE_FAILED)) === 0 && (state & PHASE_MASK) !== PHASE_FAILED;
  }

  #block(deadline: Deadline, met: (socket: WebSocket) => boolean): boolean {
    return this.#channel.wait(deadline, met, this);
  }

  /** The length of the next message; `null` at the close, `undefined` if there is none and no timeout was given. */
  #await(what: string, timeout: Timeout | undefined): number | null | undefined {
    const deadline = Deadline.of(timeout ?? 0);
    this.#mustBeOpen();
    for (;;) {
      const length = this.#incoming.next();
      if (length >= 0) return length;
      if (this.#isOver()) return null;
      if (timeout === undefined) {
        this.#channel.link.caller.maybeCheckLiveness();
        return undefined;
      }
      if (!this.#block(deadline, WebSocket.#hasMessage))
        throw this.#channel.outOfTime(timedOut(what, deadline.timeout));
    }
  }

  /** Whether no more messages will come. Throws if it was never open, or its networking thread has ended. */
  #isOver(): boolean {
    const { state } = this.#channel;
    if ((state & READ_ENDED) !== 0) {
      // Messages written before that state may have arrived since the last check.
      if (this.#incoming.next() >= 0) return false;
      this.#incoming.close ??= { code: ABNORMAL, reason: "" };
      this.#closeReported = true;
      return true;
    }
    if ((state & PHASE_MASK) === PHASE_FAILED) throw this.#channel.takeError(READABLE);
    return false;
  }

  #awaitRoom(deadline: Deadline, what: string): void {
    const long = this.#outgoing.rest > 0;
    if (!this.#block(deadline, long ? WebSocket.#hasAnyRoom : WebSocket.#isWritable)) {
      throw this.#channel.outOfTime(timedOut("sendWait", deadline.timeout, `: ${what}`));
    }
    this.#mustBeSendable();
  }

  #end({ code, reason }: { code: number; reason: Uint8Array }): void {
    if (!this.#sendable) return;
    this.#outgoing.sendRest();
    this.#ended = true;
    this.#outgoing.close(code, reason);
  }

  #mustBeSendable(): void {
    this.#mustBeOpen();
    if (this.#sendable) return;
    const { state } = this.#channel;
    if ((state & WRITE_FAILED) !== 0 || (state & PHASE_MASK) === PHASE_FAILED) throw this.#channel.takeError(WRITABLE);
    const by = this.#ended ? "end() was called" : "the peer has closed it";
    throw new NetError({ code: "EPIPE", syscall: "send", message: `send EPIPE: the WebSocket is closed: ${by}` });
  }

  #closedHere(): NetError {
    this.#closedError ??= closedHere("WebSocket", this.#channel.where);
    return this.#closedError;
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("WebSocket", this.#channel.where);
  }
}

/** Checks the content of a close frame: RFC 6455, section 7.4, and the codes registered since. */
function checkedClose(code: number | undefined, reason: string): { code: number; reason: Uint8Array } {
  if (typeof reason !== "string") throw new TypeError(`reason must be a string, not ${typeof reason}`);
  const bytes = Buffer.from(reason);
  if (bytes.length > MAX_REASON_BYTES) {
    throw new RangeError(`reason must have at most ${MAX_REASON_BYTES} bytes in UTF-8, not ${bytes.length}`);
  }
  if (code === undefined) return { code: reason === "" ? NO_STATUS : NORMAL, reason: bytes };
  check.integer("code", code, NORMAL, 4999);
  if ((code > 1003 && code < 1007) || (code > 1014 && code < 3000)) {
    throw new RangeError(`code must be 1000 to 1003, 1007 to 1014, or 3000 to 4999, not ${code}`);
  }
  return { code, reason: bytes };
}

function tooLong(bytes: number, longest: number): NetError {
  const text = `a message of ${bytes} bytes is longer than the send ring takes (${longest}): use sendWait, or a larger sendBuffer`;
  return new NetError({ code: "EMSGSIZE", syscall: "send", message: text });
}
