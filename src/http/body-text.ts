/**
 * Splits a body that arrives in pieces into lines or server-sent events.
 *
 * Runs on the calling thread.
 */

import { createParser } from "eventsource-parser";
import { NetError } from "../main/index.js";
import { mustBeKnown } from "./option-names.js";
import { amount } from "./request-options.js";

/** The default of the longest line or event, in characters. */
const MAX_LENGTH = 1024 * 1024;

/** Options of `lines` and `events`. */
export interface TextOptions {
  maxLength?: number;
}

const NAMES = new Set(["maxLength"]);

/** The longest line or event. Throws a `TypeError` or `RangeError` for wrong options. */
export function maxLengthOf(options: TextOptions): number {
  mustBeKnown(options, NAMES);
  return amount("maxLength", options.maxLength ?? MAX_LENGTH);
}

/** A server-sent event. */
export interface ServerSentEvent {
  /** The event's type; `message` by default. */
  readonly event: string;
  readonly data: string;
  /** The id of the last event that had one; empty if there was none. */
  readonly id: string;
}

/** The lines of a body without their terminators, "\n" or "\r\n". The last line needs none. */
export function* lines(pieces: Iterable<Uint8Array>, maxLength: number): Generator<string, void> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      if (length + end - start > maxLength) throw tooLong("line of the body", maxLength);
      parts.push(text.slice(start, end));
      yield withoutReturn(parts.join(""));
      parts = [];
      length = 0;
      start = end + 1;
    }
    if (start === text.length) continue;
    parts.push(text.slice(start));
    length += text.length - start;
    if (length > maxLength) throw tooLong("line of the body", maxLength);
  }
  parts.push(decoder.decode());
  const last = parts.join("");
  if (last !== "") yield withoutReturn(last);
}

function tooLong(what: string, maxLength: number, cause?: unknown): NetError {
  const message = `${what} exceeds maxLength (${maxLength} characters)`;
  return new NetError({ code: "EMSGSIZE", message }, cause);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The events of a `text/event-stream`; an incomplete one at the end is dropped, as in the HTML Standard. */
export function* events(pieces: Iterable<Uint8Array>, maxLength: number): Generator<ServerSentEvent, void> {
  const decoder = new TextDecoder();
  const found: ServerSentEvent[] = [];
  let lastId = "";
  let failure: NetError | null = null;
  const parser = createParser({
    maxBufferSize: maxLength, // of what is not complete yet
    onEvent({ event = "message", data, id }) {
      if (data.length > maxLength) failure ??= tooLong("event", maxLength);
      if (failure !== null) return;
      lastId = id ?? lastId;
      found.push({ event, data, id: lastId });
    },
    onError(error) {
      // Unknown fields are ignored, as the standard requires.
      if (error.type !== "max-buffer-size-exceeded") return;
      failure ??= tooLong("event", maxLength, error);
    },
  });
  for (const piece of pieces) {
    parser.feed(decoder.decode(piece, { stream: true }));
    while (found.length > 0) yield found.shift() as ServerSentEvent;
    if (failure !== null) throw failure;
  }
}
