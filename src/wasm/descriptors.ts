/**
 * What the calls need of the table of descriptors that a program has.
 *
 * Used on the calling thread.
 */

import type { Pollable, PosixSocket } from "../posix/index.js";
import type { HostInput } from "./host-input.js";

export interface Descriptors {
  /** The socket of a descriptor; null for one that is something else. Throws `EBADF` where there is none. */
  socketOf(fd: number): PosixSocket | null;
  /** Whatever a descriptor names; null where there is none. */
  pollableOf(fd: number): Pollable | null;
  /** The standard input of this process, where a descriptor names it. */
  inputOf(fd: number): HostInput | null;
  /** A new descriptor. Throws `EMFILE` where there is no room. */
  open(socket: PosixSocket): number;
  /** Another descriptor for the same socket, the lowest free one that is at least `least`. */
  duplicate(fd: number, least: number): number;
  /** Makes `target` another descriptor for the same socket, and closes what it was before. */
  replace(fd: number, target: number): void;
}
