/**
 * A pool of connections, and `fetch` over it.
 *
 * Runs on the calling thread.
 */

import { connect, type Runtime, type Timeout, type TlsOptions } from "../main/index.js";
import { Call } from "./call.js";
import { ConnectionPool } from "./connection-pool.js";
import { mustBeKnown } from "./option-names.js";
import { amount, checkRequest, type RequestOptions } from "./request-options.js";
import { HttpResponse } from "./response.js";

/** Options of a client. */
export interface HttpClientOptions {
  /** TLS options for https, unless a request has its own. */
  tls?: TlsOptions;
  /** A proxy's URL, unless a request has its own; `null` or `false` for none. Default: from the environment. */
  proxy?: string | URL | null | false;
  /** The default timeout of requests: ms for each, or a deadline for all. Default: no limit. */
  timeout?: Timeout;
  /** The most open connections to each server. Default: no limit. */
  connections?: number;
  /** How long an idle connection is kept, in ms. Default: 60,000; never longer than the server keeps it. */
  keepAliveMs?: number;
  /** Whether a request is sent once more if a kept connection turns out to be dead. Default: true. */
  retry?: boolean;
  /** The runtime to open connections on. Default: the package's own. */
  runtime?: Runtime;
}

const NAMES = new Set(["tls", "proxy", "timeout", "connections", "keepAliveMs", "retry", "runtime"]);
const KEEP_ALIVE_MS = 60_000;

export class HttpClient {
  readonly #pool: ConnectionPool;
  readonly #defaults: RequestOptions;
  readonly #retry: boolean;

  /** @internal Use `createHttpClient`. */
  constructor(options: HttpClientOptions) {
    mustBeKnown(options, NAMES);
    const { tls, proxy, timeout, connections = Number.POSITIVE_INFINITY, keepAliveMs = KEEP_ALIVE_MS } = options;
    if (amount("connections", connections) < 1) throw new RangeError("connections must be at least 1");
    this.#pool = new ConnectionPool(options.runtime ?? { connect }, connections, amount("keepAliveMs", keepAliveMs));
    this.#retry = options.retry ?? true;
    this.#defaults = {
      ...(tls === undefined ? {} : { tls }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(timeout === undefined ? {} : { timeout }),
    };
    checkRequest("http://localhost", this.#defaults);
  }

  /** Starts a request and returns immediately. See the package's `fetch`. */
  fetch(url: string | URL, options: RequestOptions = {}): HttpResponse {
    if (typeof options !== "object" || options === null) throw new TypeError("options must be an object");
    return new HttpResponse(new Call(checkRequest(url, { ...this.#defaults, ...options }), this.#pool, this.#retry));
  }

  /** The number of open connections, and how many of them are idle. */
  get connections(): { open: number; idle: number } {
    return this.#pool.counts;
  }

  /** Closes the idle connections; the others are closed when their responses have been read. */
  close(): void {
    this.#pool.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
