/**
 * A TCP port that is bound and does not listen: until a server or a connection takes it over.
 *
 * Runs on the networking thread.
 */

import type { BindTcpCommand } from "../ring/protocol.js";
import type { CallerLink, Handle } from "./caller-link.js";
import { faultOf } from "./faults.js";
import { type BoundSocket, bindPort } from "./node-internals.js";
import { Slot } from "./slot.js";

/** A bound port that was taken over. */
export interface TakenPort {
  /** For `Server.listen`, or as the option `handle` of `Socket`. */
  readonly handle: object;
  readonly address: string;
  readonly port: number;
}

export class BoundPort implements Handle {
  readonly slot: Slot;
  #socket: BoundSocket | null = null;

  constructor(link: CallerLink, command: BindTcpCommand) {
    this.slot = new Slot(link, command.slot);
    link.handles.set(this.slot.handleId, this);
    try {
      this.#socket = bindPort(command);
      const { address, port } = this.#socket.address();
      this.slot.bound(address, port);
    } catch (error) {
      this.slot.fail(faultOf(error));
    }
  }

  service(): void {} // it is closed by a command, after the commands that take it over

  /** Takes it over. */
  take(): TakenPort {
    const socket = this.#socket;
    if (socket === null) throw new Error("the bound port was closed before it was used");
    this.#socket = null;
    this.slot.release();
    const { address, port } = socket.address();
    return { handle: socket.give(), address, port };
  }

  /** Closes the port, unless it was taken over. */
  close(): void {
    this.shutdown();
    this.slot.release();
  }

  shutdown(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}

/** The bound port that a command takes over. It must close it if it does not take it: the caller can't any more. */
export function boundPort(link: CallerLink, handleId: number): BoundPort {
  const bound = link.handles.get(handleId);
  if (bound instanceof BoundPort) return bound;
  throw new Error("the bound port was closed before it was used");
}
