/**
 * An established TCP connection: the socket resource and its two streams share it, and the last of them to be dropped
 * closes it.
 *
 * Runs on the calling thread.
 */

import type { TcpSocket as Handle, PollEntry } from "../main/index.js";
import { InputStream, OutputStream } from "./streams.js";

const NOTHING = new Uint8Array(0);

export type ShutdownType = "receive" | "send" | "both";

export class TcpConnection {
  readonly handle: Handle;
  /** `shutdown` was called for this direction. */
  readShut = false;
  writeShut = false;
  #holders = 0;

  constructor(handle: Handle) {
    this.handle = handle;
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    if (--this.#holders === 0) this.handle.close();
  }

  shutdown(type: ShutdownType): void {
    if (type !== "send") this.readShut = true;
    if (type === "receive" || this.writeShut) return;
    this.writeShut = true;
    if (!this.handle.state.failed) this.handle.end();
  }

  streams(): [InputStream, OutputStream] {
    return [new TcpInput(this), new TcpOutput(this)];
  }
}

class TcpInput extends InputStream {
  readonly #connection: TcpConnection;

  constructor(connection: TcpConnection) {
    super();
    this.#connection = connection;
    connection.hold();
  }

  /** After a refused write, whose error was thrown, the handle does not report the failure again: it must be asked. */
  pollEntry(): PollEntry | null {
    const { handle } = this.#connection;
    return handle.status === "failure" ? null : handle;
  }

  /** Wakes for this connection's bytes only; `poll` wakes whenever anything happens. */
  block(): void {
    this.#connection.handle.waitUntilReadable();
  }

  protected take(max: number): Uint8Array | null {
    const { handle, readShut } = this.#connection;
    return readShut ? null : handle.read(max);
  }

  protected hasEvent(): boolean {
    const { handle, readShut } = this.#connection;
    return readShut || handle.readable > 0 || handle.waitUntilReadable(0);
  }

  protected release(): void {
    this.#connection.release();
  }
}

class TcpOutput extends OutputStream {
  readonly #connection: TcpConnection;

  constructor(connection: TcpConnection) {
    super();
    this.#connection = connection;
    connection.hold();
  }

  pollEntry(): PollEntry {
    return { handle: this.#connection.handle, writable: true };
  }

  block(): void {
    this.#connection.handle.waitUntil({ writable: true });
  }

  protected room(): number | null {
    const { handle, writeShut } = this.#connection;
    if (writeShut) return null;
    const { writable } = handle;
    if (writable === 0) handle.write(NOTHING); // throws if the connection has failed
    return writable;
  }

  protected put(contents: Uint8Array): boolean {
    if (this.#connection.writeShut) return false;
    const taken = this.#connection.handle.write(contents);
    if (taken === contents.length) return true;
    throw new Error(`a connection with room for ${contents.length} bytes took ${taken}`); // a bug
  }

  protected hasEvent(): boolean {
    const { handle, writeShut } = this.#connection;
    return writeShut || handle.writable > 0 || handle.waitUntil({ writable: true }, 0).writable;
  }

  protected release(): void {
    this.#connection.release();
  }
}
