/**
 * One request and its response over one connection.
 *
 * It makes progress when `step` is called, and never blocks: the request is sent while there is room, the response is
 * parsed while its consumer has room.
 *
 * Runs on the calling thread.
 */

import { Deadline, NetError, type Timeout } from "../main/index.js";
import type { Connection } from "./connection.js";
import type { ConnectionPool } from "./connection-pool.js";
import type { Stage } from "./http-error.js";
import { type OutgoingRequest, upload } from "./outgoing-request.js";
import { isReplayable } from "./request-body.js";
import { type BodyConsumer, ResponseReader } from "./response-reader.js";
import type { Route } from "./route.js";
import type { Upload } from "./upload.js";

/** How long a body waits for 100 Continue, in ms; as in curl. */
const CONSENT_MS = 1000;
/** Idempotent methods, which may be repeated (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** A step takes no more than about this many bytes: a server that sends faster than they are parsed must not extend the time. */
const STEP_BYTES = 256 * 1024;
/** From this status on, the rest of the request's body is not sent. */
const REFUSED = 400;

export class Exchange {
  readonly route: Route;
  /** The error with which it has failed, or null. */
  error: unknown = null;
  readonly #request: OutgoingRequest;
  readonly #pool: ConnectionPool;
  readonly #consumer: BodyConsumer;
  readonly #connectTimeout: Timeout;
  #connectBy: Deadline | null = null;
  #retries: boolean;
  #connection: Connection | null = null;
  #released = false;
  #upload: Upload | null = null;
  #uploadError: unknown = null;
  #reader: ResponseReader | null = null;
  #received = false;
  #consentBy: Deadline | null = null;
  #stepping = false;

  /** Takes a connection, or a place in the pool's queue. Throws the errors of `connect`. */
  constructor(
    request: OutgoingRequest,
    route: Route,
    pool: ConnectionPool,
    consumer: BodyConsumer,
    { retry, connectTimeout }: { retry: boolean; connectTimeout: Timeout },
  ) {
    this.#request = request;
    this.#connectTimeout = connectTimeout;
    this.route = route;
    this.#pool = pool;
    this.#consumer = consumer;
    this.#retries = retry && IDEMPOTENT.has(request.method) && isReplayable(request.body);
    pool.request(this);
  }

  // For the pool.

  assign(connection: Connection): void {
    this.#connection = connection;
    this.#begin(connection);
  }

  refuse(error: unknown): void {
    this.error = error;
  }

  // For the call.

  get reader(): ResponseReader | null {
    return this.#reader;
  }

  /** Its connection, while it has one. */
  get connection(): Connection | null {
    return this.#released ? null : this.#connection;
  }

  /** Whether nothing will change any more. */
  get settled(): boolean {
    return this.error !== null || this.#reader?.done === true;
  }

  /** Whether it waits for room to write. */
  get writing(): boolean {
    return this.#upload !== null && !this.#upload.done && !this.#upload.held && this.#uploadError === null;
  }

  /** Whether it can take more bytes from the connection. */
  get reading(): boolean {
    return this.#reader?.head == null || this.#consumer.hasRoom;
  }

  /** When it has something to do even if no bytes arrive; null if never. */
  get wakeAt(): Deadline | null {
    return this.#upload?.held ? this.#consentBy : null;
  }

  /** When its connection must be established; null if it does not wait for that. */
  get connectBy(): Deadline | null {
    return this.#connection?.stage == null ? null : this.#connectBy;
  }

  /** The stage. */
  get stage(): Stage {
    if (this.#connection === null) return "queue";
    const connecting = this.#connection.stage;
    if (connecting !== null) return connecting;
    if (this.#reader?.head != null) return "body";
    return this.#upload?.done && this.#isSent ? "head" : "request";
  }

  /** Makes as much progress as it can. Never throws: see `error`. */
  step(): void {
    if (this.#stepping || this.settled || this.#connection === null) return;
    this.#stepping = true;
    try {
      this.#advance(this.#connection);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#stepping = false;
    }
  }

  /** Cancels it and closes the connection. */
  abort(error: unknown): void {
    if (this.settled) return;
    this.error = error;
    if (this.#connection === null) this.#pool.withdraw(this);
    else this.#discard(true);
  }

  /** Takes the connection out of the pool, for another protocol. */
  takeConnection(): Connection {
    this.#released = true;
    this.#pool.handOver(this.#connection as Connection);
    return this.#connection as Connection;
  }

  // Progress.

  #begin(connection: Connection): void {
    if (connection.uses++ === 0) this.#connectBy = Deadline.of(this.#connectTimeout);
    this.#upload = upload(this.#request, this.route);
    this.#uploadError = null;
    if (this.#upload.held) this.#consentBy = new Deadline(CONSENT_MS);
    this.step();
    // Only now, with the first bytes on their way: loading the parser takes a while.
    this.#reader ??= new ResponseReader(this.#consumer, this.#request.method === "HEAD");
  }

  #advance(connection: Connection): void {
    this.#send(connection);
    if (this.#reader !== null) this.#receive(connection, this.#reader);
  }

  #send({ socket }: Connection): void {
    const upload = this.#upload as Upload;
    if (upload.held && (this.#reader?.consented || this.#consentBy?.expired)) upload.held = false;
    if (upload.done || this.#uploadError !== null) return;
    try {
      upload.pump(socket);
    } catch (error) {
      if (!(error instanceof NetError)) throw error; // the program's own iterable
      this.#uploadError = error; // the server may have answered before it closed the connection
    }
  }

  #receive({ socket }: Connection, reader: ResponseReader): void {
    for (let received = 0; received < STEP_BYTES && !reader.done && this.reading; ) {
      const bytes = socket.peek();
      if (bytes === null) {
        this.#ended(reader);
        break;
      }
      if (bytes.length === 0) {
        if (this.#upload?.held && reader.consented) this.#send(this.#connection as Connection);
        return;
      }
      this.#received = true;
      const taken = reader.feed(bytes);
      socket.consume(taken);
      received += taken;
      if (reader.head !== null && reader.head.status >= REFUSED && !this.#upload?.done) this.#stopUpload();
    }
    if (reader.done) this.#finish(reader);
  }

  #ended(reader: ResponseReader): void {
    if (reader.finish()) return;
    if (this.#uploadError !== null) throw this.#uploadError;
    const where =
      reader.head === null ? (this.#received ? "within the head" : "before it answered") : "within the body";
    throw new NetError({ code: "ERR_STREAM_PREMATURE_CLOSE", message: `the server ended the connection ${where}` });
  }

  /** The response is complete: keeps or closes the connection. */
  #finish(reader: ResponseReader): void {
    if (reader.upgraded) return; // until the program takes it, or closes the response
    const sent = this.#upload?.done === true;
    if (!sent) this.#stopUpload();
    if (sent && reader.keepAlive && !this.#request.closes) {
      this.#released = true;
      reader.release();
      this.#pool.giveBack(this.#connection as Connection, reader.head?.keepAliveMs ?? null);
    } else {
      this.#discard(!sent);
    }
  }

  #fail(error: unknown): void {
    const connection = this.#connection as Connection;
    const stale = connection.uses > 1 && !this.#received && error instanceof NetError;
    if (stale && this.#retries) {
      this.#retries = false;
      try {
        this.#connection = this.#pool.replace(connection);
        this.#stepping = false;
        this.#begin(this.#connection);
        return;
      } catch (next) {
        this.error = next;
        return;
      }
    }
    this.error = error;
    this.#discard(true);
  }

  #stopUpload(): void {
    this.#uploadError ??= new NetError({
      code: "EPIPE",
      message: "the server answered before it had read the request",
    });
    this.#upload?.abandon();
  }

  #discard(reset: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#reader?.release();
    try {
      if (this.#upload?.done === false) this.#upload.abandon();
    } catch {
      // The exchange has failed or was cancelled already.
    }
    this.#pool.discard(this.#connection as Connection, reset);
  }

  get #isSent(): boolean {
    try {
      return this.#connection?.socket.pendingWrites === 0;
    } catch {
      return true;
    }
  }
}
