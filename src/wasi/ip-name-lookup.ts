/**
 * `wasi:sockets/ip-name-lookup`.
 *
 * Runs on the calling thread.
 */

import { isIP } from "node:net";
import { type Address, NetError, type PollEntry, resolve } from "../main/index.js";
import type { ErrorCode } from "./error-codes.js";
import { type IpAddress, ipAddressOf, isMapped } from "./ip-addresses.js";
import { Network } from "./network.js";
import { type EventSource, Pollable } from "./pollable.js";
import { DISPOSE } from "./resource.js";

/** A host name, perhaps in Unicode: letters, digits, hyphens, underscores and dots, at most 253 characters. */
const NAME = /^[a-z0-9._\-\u0080-\u{10ffff}]{1,253}$/iu;

/** An IPv6 literal as in a URL. */
const BRACKETED = /^\[([^[\]]*:[^[\]]*)\]$/;

/** By code of the resolver; all others are permanent failures. */
const FAILURES: Record<string, ErrorCode> = {
  ENOTFOUND: "name-unresolvable",
  EAI_AGAIN: "temporary-resolver-failure",
};

export class ResolveAddressStream implements EventSource {
  #address: Address | null;
  #addresses: IpAddress[] | null = null;
  #next = 0;

  /** @internal Guests get streams by `resolve-addresses`. */
  constructor(address: Address) {
    this.#address = address;
  }

  resolveNextAddress(): IpAddress | undefined {
    const address = this.#address;
    if (address === null) throw "invalid-state";
    if (address.status === "waiting") throw "would-block";
    if (address.status === "failure") throw failureOf(address.error);
    this.#addresses ??= address.ips.map(ipAddressOf).filter(({ val }) => !isMapped(val));
    return this.#addresses[this.#next++];
  }

  subscribe(): Pollable {
    return new Pollable(this);
  }

  isReady(): boolean {
    return this.#address === null || this.#address.status !== "waiting";
  }

  pollEntry(): PollEntry | null {
    return this.#address;
  }

  [DISPOSE](): void {
    this.#address?.close();
    this.#address = null;
  }
}

export function resolveAddresses(network: Network, name: string): ResolveAddressStream {
  if (!Network.allows(network)) throw "permanent-resolver-failure";
  const literal = BRACKETED.exec(name)?.[1] ?? name;
  if (isIP(literal) === 0 && !NAME.test(name)) throw "invalid-argument";
  try {
    return new ResolveAddressStream(resolve(literal));
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    throw error.code === "ENOTFOUND" ? "invalid-argument" : failureOf(error); // a name without a form in ASCII
  }
}

function failureOf(error: NetError | null): ErrorCode {
  return FAILURES[error?.code ?? ""] ?? "permanent-resolver-failure";
}
