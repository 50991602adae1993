/**
 * Reads frames: a number of bytes, a line, up to a delimiter, or everything.
 *
 * Runs on the calling thread. Bytes that were not returned stay in the buffer for the next call, after a timeout too.
 */

import { constants } from "node:buffer";
import type { Deadline } from "../link/deadline.js";
import type { SocketReader } from "../link/socket-reader.js";
import { NetError, readTimedOut, searchTimedOut } from "./net-error.js";

/** Bytes to search for a delimiter between two readings of the clock: some 10 ms at most. */
const SEARCH_BYTES = 2 * 1024 * 1024;
const LINE_FEED = Uint8Array.of(10);
const CARRIAGE_RETURN = 13;
/** The most bytes that always fit in one string. */
const LONGEST_STRING = constants.MAX_STRING_LENGTH;

function endedWithin(what: string, there: number): NetError {
  return new NetError({
    code: "ERR_STREAM_PREMATURE_CLOSE",
    message: `the peer ended the stream within ${what}: ${there} bytes remain readable`,
  });
}

/** What each call reads. */
const FRAMES = { readLine: "line", readUntil: "frame", readAll: "stream" };

function tooLong(what: keyof typeof FRAMES, maxLength: number): NetError {
  const bound = what === "readLine" && maxLength === LONGEST_STRING ? "what a string can hold" : "maxLength";
  return new NetError({ code: "EMSGSIZE", message: `${FRAMES[what]} exceeds ${bound} (${maxLength} bytes)` });
}

/** Exactly `count` bytes; `null` if the stream ended before the first. */
export function readExactly(reader: SocketReader, count: number, deadline: Deadline): Buffer | null {
  const { buffer } = reader;
  if (reader.await(count, deadline, "readExactly")) return reader.take(count);
  if (buffer.readable === 0) return null;
  throw endedWithin("readExactly", buffer.readable);
}

/** The bytes up to and including `delimiter`; `null` if the stream ended before the first. */
export function readUntil(
  reader: SocketReader,
  delimiter: Uint8Array,
  deadline: Deadline,
  maxLength: number,
): Buffer | null {
  const end = awaitDelimiter(reader, delimiter, deadline, maxLength, 0, "readUntil");
  if (end >= 0) return reader.take(end + delimiter.length);
  if (reader.buffer.readable === 0) return null;
  throw endedWithin("readUntil", reader.buffer.readable);
}

/**
 * A line without its terminator ("\n" or "\r\n"), which the last line need not have; `null` at the end of the stream.
 */
export function readLine(
  reader: SocketReader,
  deadline: Deadline,
  maxLength: number,
  encoding: "utf8" | "latin1",
): string | null {
  const { buffer } = reader;
  // A longer line can't be returned; find that out before its bytes are consumed.
  const most = Math.min(maxLength, LONGEST_STRING);
  const end = awaitDelimiter(reader, LINE_FEED, deadline, most, 1, "readLine");
  if (end < 0) return buffer.readable === 0 ? null : reader.take(buffer.readable).toString(encoding);
  const length = end > 0 && buffer.at(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
  if (length > most) throw tooLong("readLine", most);
  return reader.take(end + 1).toString(encoding, 0, length);
}

/** Everything up to the end of the stream. */
export function readAll(reader: SocketReader, deadline: Deadline, maxLength: number): Buffer {
  const { buffer } = reader;
  for (let waited = false; reader.await(buffer.readable + 1, deadline, "readAll"); waited = true) {
    if (buffer.readable > maxLength) throw tooLong("readAll", maxLength);
    if (waited) checkTime(reader, deadline, "readAll");
  }
  return reader.take(buffer.readable);
}

/** Throws if the time is up. Without it, a peer that keeps sending would keep the call from timing out. */
function checkTime(reader: SocketReader, deadline: Deadline, what: string): void {
  const there = reader.buffer.readable;
  if (deadline.left <= 0) throw reader.outOfTime(readTimedOut(what, deadline.timeout, there, there + 1));
}

/**
 * Returns where the delimiter begins; -1 if the stream ended before one. Throws once more than `maxLength` bytes come
 * before it, and `slack` more, which may belong to the delimiter. The deadline holds for the search too; the next call
 * continues where this one stopped.
 */
function awaitDelimiter(
  reader: SocketReader,
  delimiter: Uint8Array,
  deadline: Deadline,
  maxLength: number,
  slack: number,
  what: keyof typeof FRAMES,
): number {
  const { buffer } = reader;
  const limit = maxLength + slack + delimiter.length;
  for (let waited = false; ; waited = true) {
    const readable = Math.min(buffer.readable, limit);
    let end = buffer.find(delimiter, limit, SEARCH_BYTES);
    while (end < 0 && buffer.searched < readable) {
      if (deadline.left <= 0) {
        throw reader.outOfTime(searchTimedOut(what, deadline.timeout, buffer.searched, readable));
      }
      end = buffer.find(delimiter, limit, SEARCH_BYTES);
    }
    if (end >= 0) return end - delimiter.length;
    if (readable === limit) throw tooLong(what, maxLength);
    if (waited) checkTime(reader, deadline, what);
    if (!reader.await(readable + 1, deadline, what)) {
      if (buffer.readable > maxLength) throw tooLong(what, maxLength);
      return -1;
    }
  }
}
