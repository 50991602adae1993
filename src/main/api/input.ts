/**
 * Reads from an open descriptor of the process: a terminal, a pipe or a file.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED, PHASE_MASK, READ_ENDED, REQUEST_CLOSE } from "../../ring/layout.js";
import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { SocketReader } from "../link/socket-reader.js";
import * as check from "./arguments.js";
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

/** Reads bytes from a descriptor of the process. Made by `openInput`. */
export class Input extends Handle {
  readonly #channel: Channel;
  readonly #reader: SocketReader;

  /** @internal Use `openInput`. */
  constructor(channel: Channel) {
    super();
    this.#channel = channel;
    this.#reader = new SocketReader(channel);
    this.bindChannel(channel, () => channel.link.requestClose(channel, REQUEST_CLOSE));
  }

  /** The number of bytes that the program has read. */
  get bytesRead(): number {
    return this.#reader.bytesRead;
  }

  /** The number of bytes that can be read now. 0 also at the end and after a failure. */
  get readable(): number {
    return this.closed ? 0 : this.#reader.buffer.readable;
  }

  /**
   * Returns up to `max` received bytes: empty when there are none yet, `null` at the end. Throws the `NetError` of a failure after all
   * bytes received before it.
   */
  read(max: number = Number.POSITIVE_INFINITY): Buffer | null {
    const limit = check.amount("max", max);
    this.#mustBeOpen();
    return this.#reader.read(limit);
  }

  /**
   * Blocks until there is something to read: bytes, the end, or an error that `read` will throw. Returns whether there is; false after
   * `timeout` ms (0: polls once; -1: no limit).
   */
  waitUntilReadable(timeout: Timeout = -1): boolean {
    const deadline = Deadline.of(timeout);
    this.#mustBeOpen();
    return this.#reader.awaitSomething(deadline);
  }

  /**
   * Blocks until `count` bytes have arrived and returns them; `null` if the input ended before the first. Throws `NetError`s: `ETIMEDOUT`,
   * `ERR_STREAM_PREMATURE_CLOSE` if it ended after fewer bytes. Received bytes remain readable.
   */
  readExactly(count: number, timeout: Timeout = -1): Buffer | null {
    check.integer("count", count, 0, 2 ** 31);
    const deadline = Deadline.of(timeout);
    this.#mustBeOpen();
    return framing.readExactly(this.#reader, count, deadline);
  }

  /**
   * Blocks for a line and returns it without its terminator ("\n" or "\r\n"); the last line needs none. `null` at the end. Options and
   * errors as for `TcpSocket.readLine`.
   */
  readLine(timeout: Timeout = -1, options: ReadLineOptions = {}): string | null {
    const { encoding = "utf8", maxLength = LINE_MAX } = ownOptions("options", options, LINE_OPTIONS, READ_HINTS);
    const limit = check.amount("maxLength", maxLength);
    const characters = check.oneOf("encoding", encoding, ["utf8", "latin1"]);
    const deadline = Deadline.of(timeout);
    this.#mustBeOpen();
    return framing.readLine(this.#reader, deadline, limit, characters);
  }

  /** Blocks until the end, and returns everything. `maxLength`: 1 GiB by default. Throws as `readLine`. */
  readAll(timeout: Timeout = -1, options: ReadLimitOptions = {}): Buffer {
    const { maxLength = ALL_MAX } = ownOptions("options", options, READ_OPTIONS, READ_HINTS);
    const limit = check.amount("maxLength", maxLength);
    const deadline = Deadline.of(timeout);
    this.#mustBeOpen();
    return framing.readAll(this.#reader, deadline, limit);
  }

  get ready(): boolean {
    if (this.closed) return false;
    if (this.#reader.buffer.readable > 0) return true;
    const { state } = this.#channel;
    if ((state & READ_ENDED) !== 0) return !this.#reader.endReported;
    return (state & PHASE_MASK) === PHASE_FAILED && !this.#channel.errorTaken;
  }

  protected override onClose(): void {
    this.unbindChannel();
    this.#channel.link.requestClose(this.#channel, REQUEST_CLOSE);
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedHere("input");
  }
}
