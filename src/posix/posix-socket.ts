/**
 * The base of stream and datagram sockets: an open socket description, which any number of descriptors may name.
 *
 * Runs on the calling thread.
 */

import type { PollEntry } from "../main/index.js";
import type { Family, NoAddress, SocketAddress } from "./address.js";
import { PosixError } from "./errors.js";
import type { SocketOptions } from "./socket-options.js";

/** What `receive` returns. */
export interface Received {
  /** The number of bytes received; with MSG_TRUNC the length of the datagram, which may be more than was copied. */
  readonly length: number;
  /** The sender of a datagram; null on stream sockets. */
  readonly address: SocketAddress | null;
  /** Whether bytes of the datagram were dropped because the buffers are too short. */
  readonly truncated: boolean;
}

/** Anything that can be polled. */
export interface Pollable {
  /** The POLL… bits that are true now. */
  readiness(): number;
  /**
   * What to wait for, given `events`; null if it can only be checked again later, "nothing" if it does not change while
   * this thread waits.
   */
  pollEntry(events: number): PollEntry | "nothing" | null;
}

/**
 * A socket. All calls behave as the system's of the same names; they throw a `PosixError` or a `NetError`, see
 * `errnoOf`. They block unless `nonBlocking` is true or MSG_DONTWAIT is among the flags: then they throw `EAGAIN`, and
 * `connect` throws `EINPROGRESS`.
 */
export abstract class PosixSocket implements Pollable {
  readonly family: Family;
  /** SOCK_STREAM or SOCK_DGRAM. */
  abstract readonly type: number;
  /** O_NONBLOCK. */
  nonBlocking = false;
  /** SO_RCVTIMEO and SO_SNDTIMEO in ms; 0: none. */
  receiveTimeout = 0;
  sendTimeout = 0;
  /** The options that were set. */
  readonly options: SocketOptions;
  #pendingError: string | null = null;

  constructor(family: Family, options: SocketOptions) {
    this.family = family;
    this.options = options;
  }

  /** SO_ACCEPTCONN. */
  abstract get listening(): boolean;
  abstract bind(address: SocketAddress): void;
  abstract listen(backlog: number): void;
  abstract accept(): PosixSocket;
  abstract connect(address: SocketAddress | NoAddress): void;
  /** Fills `targets` one after the other. */
  abstract receive(targets: readonly Uint8Array[], flags?: number): Received;
  /** Returns the number of bytes taken. */
  abstract send(pieces: readonly Uint8Array[], flags?: number, address?: SocketAddress | null): number;
  abstract shutdown(how: number): void;
  abstract localAddress(): SocketAddress;
  abstract remoteAddress(): SocketAddress;
  /** FIONREAD. */
  abstract get readable(): number;
  /** Applies an option of `options` to the open socket, if possible. */
  abstract applyOption(name: keyof SocketOptions): void;
  /** Joins a multicast group or leaves it. */
  setMembership(_member: boolean, _group: string, _interfaceAddress: string | undefined): void {
    throw new PosixError("ENOPROTOOPT");
  }

  setMulticastInterface(_interfaceAddress: string): void {
    throw new PosixError("ENOPROTOOPT");
  }

  abstract readiness(): number;
  abstract pollEntry(events: number): PollEntry | null;
  /** Closes the socket; called when its last descriptor is closed. */
  abstract close(): void;

  /** SO_ERROR: returns the errno name of the pending error and clears it; null if there is none. */
  takeError(): string | null {
    this.readiness();
    const error = this.#pendingError;
    this.#pendingError = null;
    return error;
  }

  /** Whether `takeError` returns an error. */
  protected get hasPendingError(): boolean {
    return this.#pendingError !== null;
  }

  protected setPendingError(code: string): void {
    this.#pendingError = code;
  }

  protected throwPendingError(): void {
    const code = this.#pendingError;
    if (code === null) return;
    this.#pendingError = null;
    throw new PosixError(code);
  }

  protected mustBeOfFamily(address: SocketAddress): void {
    if (address.family === this.family) return;
    throw new PosixError("EAFNOSUPPORT", "the address is not of the socket's family");
  }
}

/** The bytes that all of `buffers` have together. */
export function totalOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
