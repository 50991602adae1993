/**
 * `wasi:sockets/network` and `instance-network`.
 *
 * Used on the calling thread.
 */

/** The right to use the network, which the guest passes to `start-bind`, `start-connect` and `resolve-addresses`. */
export class Network {
  /** Whether it gives that right. */
  readonly #allowed: boolean;

  constructor(allowed = false) {
    this.#allowed = allowed;
  }

  /** @internal */
  static allows(network: unknown): network is Network {
    return network instanceof Network && network.#allowed;
  }
}
