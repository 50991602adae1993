/**
 * The reading calls that connections and inputs share.
 *
 * Runs on the calling thread.
 */

import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import type { SocketReader } from "../link/socket-reader.js";
import * as check from "./arguments.js";
import type { Canceller } from "./canceller.js";
import * as framing from "./framing.js";
import { Handle } from "./handle.js";
import { closedHere } from "./net-error.js";
import { READ_HINTS } from "./option-hints.js";
import { type Names, ownOptions } from "./option-names.js";
import type { ReadLimitOptions, ReadLineOptions } from "./options.js";

const READ_OPTIONS: Names<ReadLimitOptions> = { maxLength: true };
const LINE_OPTIONS: Names<ReadLineOptions> = { maxLength: true, encoding: true };
const LINE_MAX = 1024 * 1024;
const ALL_MAX = 1024 * 1024 * 1024;

/** A handle that bytes are read from: a `TcpSocket` or an `Input`. */
export abstract class ByteSource extends Handle {
  readonly #channel: Channel;
  readonly #reader: SocketReader;
  readonly #noun: string;

  /** @internal `noun` names the handle in errors. */
  constructor(channel: Channel, reader: SocketReader, noun: string) {
    super();
    this.#channel = channel;
    this.#reader = reader;
    this.#noun = noun;
  }

  /** The number of bytes the program has read. */
  get bytesRead(): number {
    return this.#reader.bytesRead;
  }

  /** The number of bytes that can be read now. 0 also at the end and after a failure. */
  get readable(): number {
    return this.closed ? 0 : this.#reader.buffer.readable;
  }

  /**
   * Returns up to `max` received bytes: empty if there are none yet, `null` at the end. Received bytes come before an
   * error: once they are read, it throws the `NetError` of the failure.
   */
  read(max: number = Number.POSITIVE_INFINITY): Buffer | null {
    const limit = check.amount("max", max);
    this.mustBeOpen();
    return this.#reader.read(limit);
  }

  /**
   * Blocks until there is something to read: bytes, the end, or an error that `read` will throw. Returns whether there
   * is; false after `timeout` ms (0: polls once; -1: no limit).
   */
  waitUntilReadable(timeout: Timeout = -1): boolean {
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return this.#reader.awaitSomething(deadline);
  }

  /**
   * Blocks until `count` bytes have arrived and returns them; `null` if the stream ended before the first. Throws
   * `NetError`s: `ETIMEDOUT`, `ERR_STREAM_PREMATURE_CLOSE` if the stream ended after fewer bytes, or the failure's own.
   * Received bytes remain readable.
   */
  readExactly(count: number, timeout: Timeout = -1): Buffer | null {
    check.integer("count", count, 0, 2 ** 31);
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return framing.readExactly(this.#reader, count, deadline);
  }

  /**
   * Blocks for a line and returns it without its terminator ("\n" or "\r\n"); the last line needs none. `null` at the
   * end. `maxLength`: 1 MiB by default; `encoding`: `utf8` (the default) or `latin1`. Throws as `readExactly`, and
   * `EMSGSIZE` for a longer line.
   */
  readLine(timeout: Timeout = -1, options: ReadLineOptions = {}): string | null {
    const { encoding = "utf8", maxLength = LINE_MAX } = ownOptions("options", options, LINE_OPTIONS, READ_HINTS);
    const limit = check.amount("maxLength", maxLength);
    const characters = check.oneOf("encoding", encoding, ["utf8", "latin1"]);
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return framing.readLine(this.#reader, deadline, limit, characters);
  }

  /**
   * Blocks until the end of the stream, and returns everything. `maxLength`: 1 GiB by default. Throws as `readLine`.
   */
  readAll(timeout: Timeout = -1, options: ReadLimitOptions = {}): Buffer {
    const limit = maxLengthOf(options, ALL_MAX);
    const deadline = Deadline.of(timeout);
    this.mustBeOpen();
    return framing.readAll(this.#reader, deadline, limit);
  }

  override canceller(): Canceller {
    this.mustBeOpen();
    return super.canceller();
  }

  /** @internal Throws a `NetError` if the handle was closed. */
  protected mustBeOpen(): void {
    if (this.closed) throw closedHere(this.#noun, this.#channel.where);
  }
}

/** The option `maxLength`, checked. */
export function maxLengthOf(options: ReadLimitOptions, standard = LINE_MAX): number {
  const { maxLength = standard } = ownOptions("options", options, READ_OPTIONS, READ_HINTS);
  return check.amount("maxLength", maxLength);
}
