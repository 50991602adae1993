/**
 * Node's TCP socket as `Connection` uses it, with Node's order of calls. Test code.
 *
 * Bytes come at any time, straight into the buffer of `onread`; after the last the peer may end at any time. Written bytes
 * are checked when the kernel takes them, as late as possible.
 */

import type { Stage } from "../scenario.js";

type OnRead = { buffer: () => Uint8Array; callback: (count: number) => boolean };

export interface Traffic {
  /** Bytes that the peer sends, and the most that come at once. */
  incoming: number;
  chunk: number;
}

/** The bytes of either direction are numbered. */
export function byteAt(index: number): number {
  return index + 1;
}

export class NodeSocket {
  writableFinished = false;
  private readonly listeners = new Map<string, () => void>();
  private paused = false;
  private arrived = 0;
  private peerEnded = false;
  private ending = false;
  private destroyed = false;
  private closed = false;
  private sent = 0;
  private outgoing: Uint8Array | null = null;
  private written: () => void = () => {};
  private buffer: Uint8Array;

  constructor(
    private readonly stage: Stage,
    private readonly traffic: Traffic,
    private readonly onread: OnRead,
  ) {
    this.buffer = onread.buffer();
  }

  on(event: string, listener: () => void): void {
    this.listeners.set(event, listener);
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.outgoing = bytes;
    this.written = written;
  }

  end(): void {
    this.ending = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  destroy(): void {
    this.destroyed = true;
  }

  resetAndDestroy(): void {
    this.destroyed = true;
  }

  get bytesRead(): number {
    return this.arrived;
  }

  get bytesWritten(): number {
    return this.sent + (this.outgoing?.length ?? 0);
  }

  /** What may happen now. */
  get events(): string[] {
    if (this.closed) return [];
    if (this.destroyed) return ["closed"];
    const events: string[] = [];
    if (!this.paused && this.arrived < this.traffic.incoming) events.push("bytes");
    else if (!this.paused && !this.peerEnded) events.push("end");
    if (this.outgoing !== null) events.push("written");
    else if (this.ending && !this.writableFinished) events.push("finished");
    return events;
  }

  happens(event: string): void {
    switch (event) {
      case "bytes":
        this.read();
        break;
      case "end":
        this.peerEnded = true;
        this.emit("end");
        break;
      case "written":
        this.take();
        break;
      case "finished":
        this.writableFinished = true;
        this.emit("finish");
        break;
      case "closed":
        this.closed = true;
        this.emit("close");
        break;
    }
  }

  private emit(event: string): void {
    this.listeners.get(event)?.();
  }

  private read(): void {
    const { incoming, chunk } = this.traffic;
    const count = Math.min(chunk, incoming - this.arrived, this.buffer.length);
    for (let i = 0; i < count; i++) this.buffer[i] = byteAt(this.arrived + i);
    this.arrived += count;
    const goOn = this.onread.callback(count);
    this.buffer = this.onread.buffer();
    if (!goOn) this.paused = true;
  }

  private take(): void {
    const { world } = this.stage;
    const bytes = this.outgoing as Uint8Array;
    this.outgoing = null;
    for (let i = 0; i < bytes.length; i++) {
      world.expect(`byte ${this.sent + i}`, bytes[i] as number, byteAt(this.sent + i));
    }
    this.sent += bytes.length;
    world.note("sent", this.sent);
    this.written();
  }
}
