/**
 * A host's addresses: an IP literal, or a name and its look-up.
 *
 * Runs on the calling thread.
 */

import { PHASE_FAILED, PHASE_OPEN } from "../../ring/layout.js";
import type { Channel } from "../link/channel.js";
import { Deadline, type Timeout } from "../link/deadline.js";
import { publishEnds, resolveBegun } from "../link/diagnostics.js";
import type { WorkerLink } from "../link/worker-link.js";
import * as check from "./arguments.js";
import { Handle } from "./handle.js";
import { hostName, ipFamily } from "./host-name.js";
import { closedHere, NetError } from "./net-error.js";
import { type Hints, type Names, ownOptions } from "./option-names.js";

/** Options of `resolve`. */
export interface ResolveOptions {
  /** Only addresses of this family. Default 0: both. */
  family?: 0 | 4 | 6 | undefined;
  /**
   * The order of the addresses. Default: as in Node's `dns` (`--dns-result-order`), which is the system's order unless
   * set.
   */
  order?: "verbatim" | "ipv4first" | "ipv6first" | undefined;
}

const RESOLVE_OPTIONS: Names<ResolveOptions> = { family: true, order: true };
const RESOLVE_HINTS: Hints = {
  all: "ips has all addresses",
  verbatim: 'use order: "verbatim"',
  hints: "use family",
  timeout: "use waitUntilResolved(timeout)",
};

/** The state of a connection or look-up. */
export type Status = "waiting" | "success" | "failure";

/** An IP, or a host name whose look-up is under way, has succeeded, or has failed. Made by `resolve`. */
export class Address extends Handle {
  /** The name it was made from, or its IP if it has no name. */
  readonly hostname: string;
  /** @internal The same in ASCII, as it is looked up. */
  readonly encoded: string;
  #ips: string[] | null = null;
  /** Why the look-up failed; the same object each time. */
  #error: NetError | null = null;
  #link: WorkerLink | null = null;
  #channel: Channel | null = null;
  #reported = true;

  /** @internal Use `resolve`. `link` returns a networking thread, and is called only if `host` is a name. */
  constructor(host: string, link: () => WorkerLink, options: ResolveOptions = {}) {
    super();
    this.encoded = hostName("host", host);
    this.hostname = host;
    const { family = 0, order } = ownOptions("options", options, RESOLVE_OPTIONS, RESOLVE_HINTS);
    if (family !== 0 && family !== 4 && family !== 6) throw new RangeError("family must be 0, 4 or 6");
    if (order !== undefined) check.oneOf("order", order, ["verbatim", "ipv4first", "ipv6first"]);
    const literal = ipFamily(host);
    if (literal !== 0) {
      if (family === 0 || literal === family) this.#ips = [host];
      else this.#error = otherFamily(host, family);
      return;
    }
    this.#link = link();
    const channel = this.#link.openPlain();
    const { handleId } = channel;
    channel.link.post({
      type: "resolve",
      slot: channel.memory.reference,
      host: this.encoded,
      family,
      order: order ?? null,
    });
    channel.destination = { host };
    resolveBegun(channel, { address: this });
    this.#channel = channel;
    this.#reported = false;
    this.bindChannel(channel, () => channel.link.post({ type: "close", handleId }));
  }

  /** `waiting` until the look-up has ended; an IP literal is `success` from the beginning. */
  get status(): Status {
    publishEnds();
    this.#settle();
    if (this.#error !== null) return "failure";
    if (this.#ips !== null) return "success";
    this.#channel?.link.caller.maybeCheckLiveness();
    return "waiting";
  }

  /** Why the look-up failed, or null. */
  get error(): NetError | null {
    this.#settle();
    return this.#error;
  }

  /** @internal The same reason in an error of its own, for a call to throw it. */
  freshError(): NetError {
    const { code, message, syscall, host, address, port } = this.error as NetError;
    return new NetError({ code, message, syscall, host, address, port });
  }

  /** The first IP, or null until it is known and after a failure. */
  get ip(): string | null {
    return this.ips[0] ?? null;
  }

  /** All IPs in the system's order; empty until they are known and after a failure. */
  get ips(): readonly string[] {
    this.#settle();
    return this.#ips ?? [];
  }

  /**
   * Blocks until the look-up has ended or `timeout` ms have passed (0: polls once; -1: no limit); returns the status.
   * Throws only if the wait is cancelled.
   */
  waitUntilResolved(timeout: Timeout = -1): Status {
    const deadline = Deadline.of(timeout);
    const channel = this.#channel;
    if (channel !== null) channel.wait(deadline, (address: Address) => address.status !== "waiting", this);
    return this.status;
  }

  get ready(): boolean {
    return !this.#reported && this.status !== "waiting";
  }

  /** @internal `poll` has reported it. */
  override reported(): void {
    this.#reported = true;
  }

  /** @internal What `connect` sends to the networking thread: the IPs, or the look-up under way. */
  get target(): { addresses: string[] | null; lookup: number | null } {
    this.#settle();
    return { addresses: this.#ips, lookup: this.#channel?.handleId ?? null };
  }

  /** @internal The networking thread that looks it up, while it does. */
  get lookupLink(): WorkerLink | null {
    return this.#channel === null ? null : this.#link;
  }

  /** Same as `hostname`. */
  override toString(): string {
    return this.hostname;
  }

  protected override describe(): string {
    this.#settle();
    if (this.#error !== null) return `${this.hostname}, failed: ${this.#error.code}`;
    return this.#ips === null ? `${this.hostname}, waiting` : `${this.hostname}, ${this.#ips.join(" ")}`;
  }

  protected override onClose(): void {
    this.#settle();
    if (this.#ips === null) this.#error ??= closedHere("address", { host: this.hostname });
    this.#release();
  }

  /** Takes the result once there is one, and frees the slot. */
  #settle(): void {
    const channel = this.#channel;
    if (channel === null) return;
    const phase = channel.phase;
    if (phase === PHASE_OPEN) {
      channel.link.takeNotices();
      if (channel.addresses === null) return;
      this.#ips = channel.addresses;
    } else if (phase === PHASE_FAILED) {
      this.#error = channel.error;
    } else {
      return;
    }
    this.#release();
  }

  #release(): void {
    const channel = this.#channel;
    if (channel === null) return;
    publishEnds(); // before another handle can get the slot
    if (this.#channel !== channel) return; // a subscriber's call has released it
    this.#channel = null;
    channel.notifyWatchers(); // pollers have not checked it yet
    this.unbindChannel();
    channel.link.post({ type: "close", handleId: channel.handleId });
  }
}

function otherFamily(ip: string, family: number): NetError {
  return new NetError({
    code: "ENOTFOUND",
    syscall: "getaddrinfo",
    address: ip,
    message: `getaddrinfo ENOTFOUND: ${ip} is not an IPv${family} address`,
  });
}
