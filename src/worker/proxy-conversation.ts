/**
 * The handshake with a proxy: the bytes exchanged before the connection belongs to the program.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";

/** The error of a proxy that refuses, or does not speak its protocol. */
export function proxyError(message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_PROXY" });
}

/** This end of a handshake with a proxy, over a connected socket. Every wait ends when the socket does. */
export class ProxyConversation {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);
  #over: Error | null = null;
  #changed: () => void = () => {};
  readonly #onData = (bytes: Buffer): void => {
    this.#held = Buffer.concat([this.#held, bytes]);
    this.#changed();
  };
  readonly #onError = (error: Error): void => this.#end(error);
  readonly #onEnd = (): void => this.#end(proxyError("it ended the connection during the handshake"));

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  write(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** The next `count` bytes. Rejects if the connection ends before they have arrived. */
  async exactly(count: number): Promise<Buffer> {
    while (this.#held.length < count) await this.#more();
    return this.#take(count);
  }

  /**
   * The bytes up to and including the next `end`. Rejects if there are more than `most`, or the connection ends first.
   */
  async until(end: string, most: number): Promise<Buffer> {
    for (let searched = 0; ; ) {
      const at = this.#held.indexOf(end, Math.max(0, searched - end.length), "latin1");
      if (at >= 0) return this.#take(at + end.length);
      searched = this.#held.length;
      if (searched > most) throw proxyError(`it answered with more than ${most} bytes`);
      await this.#more();
    }
  }

  /** Releases the socket, paused. Bytes that arrived after the handshake are read from it next. */
  finish(): void {
    const socket = this.#socket;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("error", this.#onError);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onEnd);
    if (this.#held.length > 0) socket.unshift(this.#held);
  }

  #take(count: number): Buffer {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#over !== null) throw this.#over;
    await new Promise<void>((changed) => {
      this.#changed = changed;
    });
  }

  #end(error: Error): void {
    this.#over ??= error;
    this.#changed();
  }
}
