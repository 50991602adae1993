/** The values of a socket's options. Used on the calling thread. */

/** The program's settings, as numbers; flags are 0 or 1. */
export interface SocketOptions {
  reuseAddress: number;
  reusePort: number;
  broadcast: number;
  keepAlive: number;
  /**
   * The delay of the first probe and the time between probes, both in s, and the number of probes. Only the first has
   * an effect.
   */
  keepIdle: number;
  keepInterval: number;
  keepCount: number;
  noDelay: number;
  sendBuffer: number;
  receiveBuffer: number;
  lingerOn: number;
  /** In s. */
  lingerTime: number;
  ipv6Only: number;
  hops: number;
  multicastHops: number;
  multicastLoopback: number;
}

/** Linux's defaults. */
export function defaultOptions(): SocketOptions {
  return {
    reuseAddress: 0,
    reusePort: 0,
    broadcast: 0,
    keepAlive: 0,
    keepIdle: 7200,
    keepInterval: 75,
    keepCount: 9,
    noDelay: 0,
    sendBuffer: 1048576,
    receiveBuffer: 1048576,
    lingerOn: 0,
    lingerTime: 0,
    ipv6Only: 0,
    hops: 64,
    multicastHops: 1,
    multicastLoopback: 1,
  };
}
