/**
 * Reads from an open descriptor of the process: a terminal, a pipe or a file.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED, PHASE_MASK, READ_ENDED, REQUEST_CLOSE } from "../../ring/layout.js";
import type { Channel } from "../link/channel.js";
import { SocketReader } from "../link/socket-reader.js";
import { READABLE } from "../link/watcher.js";
import { ByteSource } from "./byte-source.js";

/** Reads bytes from a descriptor of the process. Made by `openInput`. */
export class Input extends ByteSource {
  readonly #channel: Channel;
  readonly #reader: SocketReader;

  /** @internal Use `openInput`. */
  constructor(channel: Channel) {
    const reader = new SocketReader(channel);
    super(channel, reader, "input");
    this.#channel = channel;
    this.#reader = reader;
    this.bindChannel(channel, () => channel.link.requestClose(channel, REQUEST_CLOSE));
  }

  get ready(): boolean {
    if (this.closed) return false;
    if (this.#reader.buffer.readable > 0) return true;
    const { state } = this.#channel;
    if ((state & READ_ENDED) !== 0) return !this.#reader.endReported;
    return (state & PHASE_MASK) === PHASE_FAILED && !this.#channel.errorTaken(READABLE);
  }

  protected override onClose(): void {
    this.unbindChannel();
    this.#channel.link.requestClose(this.#channel, REQUEST_CLOSE);
  }
}
