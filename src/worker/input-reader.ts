/**
 * Reads an open descriptor of the process: a terminal, a pipe, or a file.
 *
 * Runs on the networking thread. Terminals and pipes are read when they are readable; a file is read in pieces by
 * libuv's thread pool, while the ring has room.
 */

import { createReadStream, ReadStream as FileStream, fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { isatty, ReadStream as TerminalStream } from "node:tty";
import { REQUEST_CLOSE, REQUEST_RESET } from "../ring/layout.js";
import type { OpenInputCommand } from "../ring/protocol.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { faultOf } from "./faults.js";
import { SOCKETS_READ_DESCRIPTORS } from "./other-runtimes.js";
import { Receiver } from "./receiver.js";
import { Slot } from "./slot.js";

export class InputReader implements Handle {
  readonly slot: Slot;
  readonly #receiver: Receiver;
  #stream: Readable | null = null;
  #closed = false;

  constructor(link: CallerLink, { slot, rings, fd }: OpenInputCommand) {
    this.slot = new Slot(link, slot);
    this.#receiver = new Receiver(this.slot, rings.receive);
    link.handles.set(this.slot.handleId, this);
    try {
      this.#read(streamOf(fd), isatty(fd));
      this.slot.bound("", 0);
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
    this.service();
  }

  service(): void {
    if ((this.slot.request & (REQUEST_CLOSE | REQUEST_RESET)) !== 0) this.#close();
    else this.#receiver.maybeResume();
  }

  #read(stream: Readable, terminal: boolean): void {
    const receiver = this.#receiver;
    this.#stream = stream;
    receiver.resume = () => stream.resume();
    stream.on("end", () => receiver.finish(() => this.#ended()));
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // EIO means that the terminal is gone, for example because its session has ended.
      const end = terminal && error.code === "EIO";
      receiver.finish(() => (end ? this.#ended() : !this.#closed && this.slot.fail(faultOf(error))));
    });
    stream.on("data", (bytes: Buffer) => {
      if (!receiver.chunk(bytes)) stream.pause();
    });
  }

  #ended(): void {
    if (!this.#closed) this.slot.endReading();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver.discard();
    if (this.#stream instanceof FileStream)
      this.#stream.pause(); // `destroy` would close the program's descriptor
    else this.#stream?.destroy();
    this.slot.release();
  }
}

/** Node closes descriptors above 2 with their streams; files stay open. */
function streamOf(fd: number): Readable {
  if (isatty(fd)) return new TerminalStream(fd);
  const stat = fstatSync(fd);
  if (SOCKETS_READ_DESCRIPTORS && (stat.isFIFO() || stat.isSocket()))
    return new Socket({ fd, readable: true, writable: false });
  return createReadStream("", { fd, autoClose: false });
}
