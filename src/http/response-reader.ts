/**
 * Builds a response from the parser's events: the head, the body for its consumer, the trailers.
 *
 * Runs on the calling thread.
 */

import { NetError } from "../main/index.js";
import { trimmed } from "./header-list.js";
import { MAX_FEED, ParseError, type ParserEvents, ResponseParser } from "./llhttp.js";
import { ResponseHead } from "./response-head.js";

/** The most bytes of a head, of the trailers, and between two chunks. */
const MAX_OVERHEAD = 65536;
/** Heads are parsed in pieces of this size, to enforce the limit. */
const HEAD_FEED = 16384;
/** The most informational responses (1xx) before the final one. */
const MAX_INFORMATIONAL = 64;
const CONTINUE = 100;
const SWITCHING_PROTOCOLS = 101;

/** The receiver of the body. */
export interface BodyConsumer {
  readonly hasRoom: boolean;
  begin(head: ResponseHead): void;
  /** The bytes are valid during the call only. */
  take(bytes: Uint8Array): void;
  end(): void;
}

export class ResponseReader implements ParserEvents {
  /** The final response's head; null until it is complete. */
  head: ResponseHead | null = null;
  /** Names and values after the body, alternating. */
  readonly trailers: string[] = [];
  /** Whether the whole response has arrived. */
  done = false;
  /** Whether the connection can carry another request afterwards. */
  keepAlive = false;
  /** Whether the server has sent 100 Continue. */
  consented = false;
  /** Whether another protocol follows (101). */
  upgraded = false;
  readonly #parser = new ResponseParser(this);
  readonly #consumer: BodyConsumer;
  readonly #isHead: boolean;
  #next = new ResponseHead();
  #informational = 0;
  /** Bytes since the head began, or since the last bytes of the body. */
  #overhead = 0;
  #body = 0;
  #view: Uint8Array = new Uint8Array(0);

  /** `isHead`: the response to HEAD has no body, whatever its head says. */
  constructor(consumer: BodyConsumer, isHead: boolean) {
    this.#consumer = consumer;
    this.#isHead = isHead;
  }

  /**
   * Parses at least one of `bytes`, and returns their number; stops after the response. Throws a `ParseError`, or a
   * `NetError` with code `EMSGSIZE` for heads and trailers that are too long.
   */
  feed(bytes: Uint8Array): number {
    const limit = this.head === null ? HEAD_FEED : MAX_FEED;
    const view = bytes.length > limit ? bytes.subarray(0, limit) : bytes;
    this.#view = view;
    this.#body = 0;
    const taken = this.#parser.execute(view);
    if (this.#body > 0) this.#overhead = 0;
    else this.#overhead += taken;
    if (this.#overhead > MAX_OVERHEAD && !this.done) throw tooLong(this.head === null ? "head" : "framing of the body");
    return taken;
  }

  /** The connection has ended. Returns whether the response may end there. */
  finish(): boolean {
    return this.#parser.finish() && this.done;
  }

  release(): void {
    this.#parser.release();
  }

  // For the parser.

  onStatusText(text: string): void {
    this.#next.statusText += text;
  }

  /** Names and values alternate, so their number shows whether this is a further piece. */
  onHeaderName(text: string): void {
    const { list } = this;
    if (list.length % 2 === 0) list.push(text);
    else list[list.length - 1] += text;
  }

  onHeaderValue(text: string): void {
    const { list } = this;
    if (list.length % 2 === 1) list.push(text);
    else list[list.length - 1] += text;
  }

  onHead(status: number, keepAlive: boolean): boolean {
    const head = this.#next;
    head.status = status;
    if (status < 200 && status !== SWITCHING_PROTOCOLS) {
      if (status === CONTINUE) this.consented = true;
      if (++this.#informational > MAX_INFORMATIONAL) {
        throw new ParseError(`more than ${MAX_INFORMATIONAL} informational responses`);
      }
      this.#next = new ResponseHead();
      return false;
    }
    trimValues(head.raw);
    this.head = head;
    this.keepAlive = keepAlive;
    this.upgraded = status === SWITCHING_PROTOCOLS;
    this.#overhead = 0;
    if (!this.#isHead) this.#consumer.begin(head);
    return !this.#isHead;
  }

  onBody(start: number, length: number): void {
    this.#body += length;
    this.#consumer.take(this.#view.subarray(start, start + length));
  }

  onEnd(): boolean {
    if (this.head === null) return false;
    trimValues(this.trailers);
    if (!this.#isHead) this.#consumer.end();
    this.done = true;
    return true;
  }

  get list(): string[] {
    return this.head === null ? this.#next.raw : this.trailers;
  }
}

/** llhttp leaves blanks after a value. */
function trimValues(list: string[]): void {
  for (let i = 1; i < list.length; i += 2) list[i] = trimmed(list[i] as string);
}

function tooLong(what: string): NetError {
  return new NetError({
    code: "EMSGSIZE",
    message: `the ${what} of the response is longer than ${MAX_OVERHEAD} bytes`,
  });
}
