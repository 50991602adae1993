/**
 * Reading in portions that mean something: so many bytes, a line, up to a delimiter, everything.
 *
 * Runs on the calling thread. What was not returned stays in the inbox, after a timeout too, and the next call finds
 * it.
 */

import type { Deadline } from "./deadline.js";
import type { Inlet } from "./inlet.js";
import { NetError } from "./net-error.js";

const LINE_FEED = Uint8Array.of(10);
const CARRIAGE_RETURN = 13;

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
export function readExactly(inlet: Inlet, count: number, deadline: Deadline): Buffer | null {
  const { inbox } = inlet;
  if (inlet.await(count, deadline, "readExactly")) return inlet.take(count);
  if (inbox.readable === 0) return null;
  throw endedWithin("readExactly", inbox.readable);
}

/** The bytes up to and with `delimiter`; `null` if the stream ended before the first. */
export function readUntil(inlet: Inlet, delimiter: Uint8Array, deadline: Deadline, maxLength: number): Buffer | null {
  const end = awaitDelimiter(inlet, delimiter, deadline, maxLength, 0, "readUntil");
  if (end >= 0) return inlet.take(end + delimiter.length);
  if (inlet.inbox.readable === 0) return null;
  throw endedWithin("readUntil", inlet.inbox.readable);
}

/** A line without its end ("\n" or "\r\n"), the last one also if it has none; `null` at the end of the stream. */
export function readLine(inlet: Inlet, deadline: Deadline, maxLength: number): string | null {
  const { inbox } = inlet;
  const end = awaitDelimiter(inlet, LINE_FEED, deadline, maxLength, 1, "readLine");
  if (end < 0) return inbox.readable === 0 ? null : inlet.take(inbox.readable).toString("utf8");
  const length = end > 0 && inbox.at(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
  if (length > maxLength) throw tooLong("the portion of readLine", maxLength);
  return inlet.take(end + 1).toString("utf8", 0, length);
}

/** Everything up to the end of the stream. */
export function readAll(inlet: Inlet, deadline: Deadline, maxLength: number): Buffer {
  const { inbox } = inlet;
  while (inlet.await(inbox.readable + 1, deadline, "readAll")) {
    if (inbox.readable > maxLength) throw tooLong("the stream", maxLength);
  }
  return inlet.take(inbox.readable);
}

/**
 * Where the delimiter begins; -1 if the stream ended before one. Throws once there are more than `maxLength` bytes before it,
 * and `slack`: those that may turn out to belong to the delimiter.
 */
function awaitDelimiter(
  inlet: Inlet,
  delimiter: Uint8Array,
  deadline: Deadline,
  maxLength: number,
  slack: number,
  what: string,
): number {
  const { inbox } = inlet;
  const most = maxLength + slack;
  let searched = 0;
  for (;;) {
    const readable = inbox.readable;
    const at = inbox.find(delimiter, searched);
    if (at > most || (at < 0 && readable >= most + delimiter.length))
      throw tooLong(`the portion of ${what}`, maxLength);
    if (at >= 0) return at;
    searched = Math.max(0, readable - delimiter.length + 1);
    if (!inlet.await(readable + 1, deadline, what)) {
      if (inbox.readable > maxLength) throw tooLong(`the portion of ${what}`, maxLength);
      return -1;
    }
  }
}
