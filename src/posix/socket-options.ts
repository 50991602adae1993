/** What the options of a socket are set to. Used on the calling thread. */

/** What a program has set, as numbers; flags are 0 or 1. */
export interface SocketOptions {
  reuseAddress: number;
  reusePort: number;
  broadcast: number;
  keepAlive: number;
  /** Of the first probe, the time between probes, both in s, and the number of probes. The package sets the first only. */
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

/** What Linux sets. */
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
