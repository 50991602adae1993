/**
 * The interface of a program's descriptor table, as the calls need it.
 *
 * Used on the calling thread.
 */

import type { Pollable, PosixSocket } from "../posix/index.js";
import type { HostInput } from "./host-input.js";

export interface Descriptors {
  /** The socket of a descriptor; null if the descriptor is another file. Throws `EBADF` if it is not open. */
  socketOf(fd: number): PosixSocket | null;
  /** The file that a descriptor names; null if it is not open. */
  pollableOf(fd: number): Pollable | null;
  /** This process's standard input if the descriptor names it, otherwise null. */
  inputOf(fd: number): HostInput | null;
  /** Returns a new descriptor. Throws `EMFILE` if the table is full. */
  open(socket: PosixSocket): number;
  /** Duplicates a descriptor: returns the lowest free one that is at least `least`. */
  duplicate(fd: number, least: number): number;
  /** Makes `target` a duplicate of `fd`; closes what `target` named before. */
  replace(fd: number, target: number): void;
}
