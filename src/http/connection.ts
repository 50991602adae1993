/**
 * A connection to a server, or to the proxy that forwards requests.
 *
 * Runs on the calling thread.
 */

import type { ConnectOptions, TcpSocket, TlsOptions } from "../main/index.js";
import { now } from "./clock.js";
import type { Stage } from "./http-error.js";
import { isRelayed, type Route } from "./route.js";

/** What opens connections: the package's own functions, or a runtime. */
export interface Opener {
  connect(options: ConnectOptions): TcpSocket;
}

export class Connection {
  readonly socket: TcpSocket;
  readonly route: Route;
  /** The number of requests that it has carried. */
  uses = 0;
  /** The time from which on it is too old to be used again. */
  idleUntil = 0;

  constructor(route: Route, opener: Opener) {
    this.route = route;
    const { host, port, proxy, secure, tls } = route;
    if (proxy !== null && isRelayed(route)) {
      const trusted = proxy.kind === "https" ? { ...http1(), ...trust(tls) } : false;
      this.socket = opener.connect({ host: proxy.host, port: proxy.port, tls: trusted });
    } else {
      this.socket = opener.connect({ host, port, tls: secure ? { ...http1(), ...tls } : false, proxy });
    }
  }

  /** The stage of connecting, or the one that failed; null once it is established. */
  get stage(): Stage | null {
    return this.socket.state.stage;
  }

  /** Whether it can carry another request: open, quiet, and not too old. */
  get reusable(): boolean {
    if (now() > this.idleUntil || this.socket.status !== "success") return false;
    try {
      return this.socket.peek()?.length === 0;
    } catch {
      return false;
    }
  }

  /** Closes it; with `reset` immediately, dropping unsent bytes. */
  close(reset = false): void {
    if (reset) this.socket.reset();
    else this.socket.close();
  }
}

function http1(): TlsOptions {
  return { ALPNProtocols: ["http/1.1"] };
}

/** The TLS options that also apply to a proxy; names, certificates and exceptions are for the server only. */
function trust({ ca, caFile, minVersion, maxVersion, ciphers }: TlsOptions = {}): TlsOptions {
  return { ca, caFile, minVersion, maxVersion, ciphers };
}
