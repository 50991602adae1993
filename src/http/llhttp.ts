/**
 * llhttp, Node's own parser of HTTP/1.1, as WebAssembly. Compiled at the first use, synchronously.
 *
 * One buffer serves all parsers: parsing never runs the program's code, so only one parser works at a time.
 *
 * Runs on the calling thread.
 */

import binary from "undici/lib/llhttp/llhttp-wasm.js";

/** A parser's events. The ranges are offsets into the bytes passed to `execute`. */
export interface ParserEvents {
  onStatusText(text: string): void;
  /** A name, or a further piece of it. */
  onHeaderName(text: string): void;
  /** A value, or a further piece of it. */
  onHeaderValue(text: string): void;
  /** Returns whether a body may follow. */
  onHead(status: number, keepAlive: boolean): boolean;
  onBody(start: number, length: number): void;
  /** Returns whether to stop before the next message. */
  onEnd(): boolean;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  llhttp_alloc(type: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  malloc(bytes: number): number;
}

const RESPONSE = 2;
const OK = 0;
const PAUSED = 21;
const PAUSED_UPGRADE = 22;
/** The most bytes that one `execute` takes. */
export const MAX_FEED = 65536;

/** Why bytes are not HTTP, in llhttp's words. */
export class ParseError extends Error {}

let exports: Exports | null = null;
let events: ParserEvents | null = null;
let heap = Buffer.alloc(0);
let buffer = 0;
/** Free parsers. */
const spare: number[] = [];

function loaded(): Exports {
  if (exports !== null) return exports;
  if (typeof WebAssembly === "undefined") {
    throw new Error("HTTP needs WebAssembly, which this process was started without (--jitless?)");
  }
  const current = (): ParserEvents => events as ParserEvents;
  const text = (at: number, length: number): string => heap.toString("latin1", at, at + length);
  const env = {
    wasm_on_message_begin: () => OK,
    wasm_on_url: () => OK,
    wasm_on_status(_parser: number, at: number, length: number) {
      current().onStatusText(text(at, length));
      return OK;
    },
    wasm_on_header_field(_parser: number, at: number, length: number) {
      current().onHeaderName(text(at, length));
      return OK;
    },
    wasm_on_header_value(_parser: number, at: number, length: number) {
      current().onHeaderValue(text(at, length));
      return OK;
    },
    wasm_on_headers_complete: (_parser: number, status: number, _upgrade: number, keepAlive: number) =>
      current().onHead(status, keepAlive === 1) ? 0 : 1,
    wasm_on_body(_parser: number, at: number, length: number) {
      current().onBody(at - buffer, length);
      return OK;
    },
    wasm_on_message_complete: () => (current().onEnd() ? PAUSED : OK),
  };
  exports = new WebAssembly.Instance(new WebAssembly.Module(binary), { env }).exports as unknown as Exports;
  buffer = exports.malloc(MAX_FEED);
  return exports;
}

/** `memory.buffer` is replaced each time the memory grows. */
function refreshHeap({ memory }: Exports): void {
  if (heap.buffer !== memory.buffer) heap = Buffer.from(memory.buffer);
}

/** A parser of one connection's responses, for one request. */
export class ResponseParser {
  readonly #events: ParserEvents;
  readonly #llhttp = loaded();
  #parser: number;

  constructor(events: ParserEvents) {
    this.#events = events;
    this.#parser = spare.pop() ?? this.#llhttp.llhttp_alloc(RESPONSE);
    this.#llhttp.llhttp_reset(this.#parser);
  }

  /**
   * Parses `bytes`, at most `MAX_FEED`; returns the number of bytes taken: fewer if it stopped after a message. Throws
   * a `ParseError`.
   */
  execute(bytes: Uint8Array): number {
    const llhttp = this.#llhttp;
    refreshHeap(llhttp);
    heap.set(bytes, buffer);
    events = this.#events;
    const result = llhttp.llhttp_execute(this.#parser, buffer, bytes.length);
    events = null;
    if (result === OK) return bytes.length;
    if (result === PAUSED || result === PAUSED_UPGRADE) return llhttp.llhttp_get_error_pos(this.#parser) - buffer;
    throw this.#error();
  }

  /** The stream has ended. Returns whether a message may end there. */
  finish(): boolean {
    events = this.#events;
    const result = this.#llhttp.llhttp_finish(this.#parser);
    events = null;
    return result === OK || result === PAUSED;
  }

  /** Returns the parser for reuse. */
  release(): void {
    if (this.#parser === 0) return;
    spare.push(this.#parser);
    this.#parser = 0;
  }

  #error(): ParseError {
    refreshHeap(this.#llhttp);
    const at = this.#llhttp.llhttp_get_error_reason(this.#parser);
    return new ParseError(at === 0 ? "malformed" : heap.toString("latin1", at, heap.indexOf(0, at)));
  }
}
