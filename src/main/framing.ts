/**
 * Reading in portions that mean something: so many bytes, a line, up to a delimiter, everything.
 *
 * Runs on the calling thread. What was not returned stays in the inbox, after a timeout too, and the next call finds
 * it.
 */

import { Deadline } from "./deadline.js";
import type { Inbox } from "./inbox.js";
import { NetError, timedOut } from "./net-error.js";

/** Where the portions come from. */
export interface FrameSource {
  readonly inbox: Inbox;
  /**
   * Blocks until at least `wanted` bytes are readable (true), or no more will come (false), or the time is up (throws).
   * Throws the connection's error once everything that arrived before it was read or `wanted` can't be had because of
   * it.
   */
  await(wanted: number, deadline: Deadline, what: string): boolean;
}

const LINE_FEED = Uint8Array.of(10);

function take(inbox: Inbox, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  inbox.read(bytes);
  return bytes;
}

function endedWithin(what: string, there: number): NetError {
  return new NetError({
    code: "ERR_STREAM_PREMATURE_CLOSE",
    message: `the peer ended the stream within ${what}: ${there} bytes are left to read`,
  });
}

function tooLong(what: string, maxLength: number): NetError {
  return new NetError({ code: "EMSGSIZE", message: `${what} is longer than maxLength, ${maxLength} bytes` });
}

/** Exactly `count` bytes; `null` if the stream ended before the first. */
export function readExactly(source: FrameSource, count: number, timeout: number): Buffer | null {
  const deadline = new Deadline(timeout);
  const { inbox } = source;
  if (source.await(count, deadline, "readExactly")) return take(inbox, count);
  if (inbox.readable === 0) return null;
  throw endedWithin("readExactly", inbox.readable);
}

/** The bytes up to and with `delimiter`; `null` if the stream ended before the first. */
export function readUntil(
  source: FrameSource,
  delimiter: Uint8Array,
  timeout: number,
  maxLength: number,
): Buffer | null {
  const end = awaitDelimiter(source, delimiter, timeout, maxLength, "readUntil");
  if (end >= 0) return take(source.inbox, end + delimiter.length);
  if (source.inbox.readable === 0) return null;
  throw endedWithin("readUntil", source.inbox.readable);
}

/** A line with its end, the last one perhaps without; `null` at the end of the stream. */
export function readLine(source: FrameSource, timeout: number, maxLength: number): Buffer | null {
  const { inbox } = source;
  const end = awaitDelimiter(source, LINE_FEED, timeout, maxLength, "readLine");
  if (end >= 0) return take(inbox, end + 1);
  return inbox.readable === 0 ? null : take(inbox, inbox.readable);
}

/** The text of a line without "\n" or "\r\n". */
export function withoutLineEnd(line: Buffer): string {
  let length = line.length;
  if (line[length - 1] === 10) {
    length--;
    if (line[length - 1] === 13) length--;
  }
  return line.toString("utf8", 0, length);
}

/** Everything up to the end of the stream. */
export function readAll(source: FrameSource, timeout: number, maxLength: number): Buffer {
  const deadline = new Deadline(timeout);
  const { inbox } = source;
  while (source.await(inbox.readable + 1, deadline, "readAll")) {
    if (inbox.readable > maxLength) throw tooLong("the stream", maxLength);
  }
  return take(inbox, inbox.readable);
}

/** Where the delimiter begins; -1 if the stream ended before one. */
function awaitDelimiter(
  source: FrameSource,
  delimiter: Uint8Array,
  timeout: number,
  maxLength: number,
  what: string,
): number {
  const deadline = new Deadline(timeout);
  const { inbox } = source;
  let searched = 0;
  for (;;) {
    const readable = inbox.readable;
    const at = inbox.find(delimiter, searched);
    if (at > maxLength || (at < 0 && readable >= maxLength + delimiter.length))
      throw tooLong(`the portion of ${what}`, maxLength);
    if (at >= 0) return at;
    searched = Math.max(0, readable - delimiter.length + 1);
    if (!source.await(readable + 1, deadline, what)) {
      if (inbox.readable > maxLength) throw tooLong(`the portion of ${what}`, maxLength);
      return -1;
    }
  }
}

/** The error of a portion that did not come in time. */
export function portionTimedOut(what: string, deadline: Deadline, there: number, wanted: number): NetError {
  const error = timedOut(what, deadline.timeout);
  error.message += ` (${there} bytes are there, at least ${wanted} are needed; they stay for the next call)`;
  return error;
}
