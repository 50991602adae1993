/**
 * Tries the addresses of a host until one connects (RFC 8305, section 5, "Happy Eyeballs").
 *
 * Runs on the networking thread. An attempt begins 250 ms after the one before, or as soon as one fails; the first that
 * connects wins. Attempts go on until then: an address that answers late is better than one that refuses.
 * (`autoSelectFamily` of `node:net` ends each attempt but the last after 250 ms.) The caller's timeout bounds the race,
 * and the system's own each attempt, some two minutes.
 */

import { isIPv6, type Socket } from "node:net";

/** RFC 8305, section 8: the recommended "Connection Attempt Delay", in ms. */
const DELAY_MS = 250;
/** The most attempts at a time, since a name server decides how many addresses there are. */
const MOST_ATTEMPTS = 16;

export class AddressRace {
  #addresses: readonly string[] = [];
  readonly #open: (address: string) => Socket;
  readonly #won: (socket: Socket) => void;
  readonly #lost: (error: unknown) => void;
  readonly #running = new Set<Socket>();
  /** Why each attempt failed, in the order of the addresses. */
  readonly #errors: unknown[] = [];
  #begun = 0;
  #failed = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `open` starts an attempt; an error that it throws ends the race. Exactly one of `won` and `lost` is called, unless
   * the race is cancelled.
   */
  constructor(open: (address: string) => Socket, won: (socket: Socket) => void, lost: (error: unknown) => void) {
    this.#open = open;
    this.#won = won;
    this.#lost = lost;
  }

  /** Starts, with at least one address, in the system's order. */
  start(addresses: readonly string[]): void {
    this.#addresses = alternating(addresses);
    this.#next();
  }

  /** Whether it was won or cancelled. */
  get over(): boolean {
    return this.#over;
  }

  /** There are no addresses. */
  fail(error: unknown): void {
    if (!this.#over) this.#lost(error);
  }

  /** Ends all attempts; no callback is called afterwards. */
  giveUp(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    for (const socket of this.#running) socket.destroy();
    this.#running.clear();
  }

  #next(): void {
    clearTimeout(this.#timer);
    const number = this.#begun;
    const address = this.#addresses[number];
    if (this.#over || address === undefined || this.#running.size >= MOST_ATTEMPTS) return;
    this.#begun++;
    let socket: Socket;
    try {
      socket = this.#open(address);
    } catch (error) {
      this.giveUp();
      this.#lost(error);
      return;
    }
    this.#running.add(socket);
    const connected = (): void => {
      socket.off("error", failed);
      this.#running.delete(socket);
      this.giveUp();
      this.#won(socket);
    };
    // The listener stays on cancelled attempts, so that their errors are ignored.
    const failed = (error: unknown): void => {
      if (!this.#running.delete(socket)) return;
      socket.off("connect", connected);
      this.#errors[number] = error;
      if (++this.#failed < this.#addresses.length) this.#next();
      else this.#lost(this.#addresses.length === 1 ? error : new AggregateError(this.#errors));
    };
    socket.once("connect", connected);
    socket.on("error", failed);
    if (this.#begun < this.#addresses.length) this.#timer = setTimeout(() => this.#next(), DELAY_MS);
  }
}

/**
 * The addresses of the two families alternating, each in its order, starting with the first one's family: RFC 8305,
 * section 4.
 */
function alternating(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const six = isIPv6(addresses[0] ?? "");
  const first = addresses.filter((address) => isIPv6(address) === six);
  const other = addresses.filter((address) => isIPv6(address) !== six);
  return first.flatMap((address, i) => [address, ...other.slice(i, i + 1)]).concat(other.slice(first.length));
}
