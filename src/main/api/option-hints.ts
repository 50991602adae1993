/**
 * What to write instead of options of Node or other packages.
 *
 * Used on the calling thread.
 */

import type { Hints } from "./option-names.js";
import { TLS_OPTIONS } from "./tls-options.js";

const INSIDE_TLS = Object.fromEntries(
  Object.keys(TLS_OPTIONS).map((name) => [name, `write it as tls: { ${name}: … }`]),
);
const ONE_ADDRESS = "all addresses of a name are tried; for one of them give its IP as host";
const HALF_OPEN = "connections are always half-open: each side ends its own with end()";

const STREAM: Hints = {
  ...INSIDE_TLS,
  hostname: "use host",
  address: "use host",
  socketPath: "use path",
  ssl: "use tls: true, or tls: { … } with Node's options",
  secure: "use tls: true, or tls: { … } with Node's options",
  allowHalfOpen: HALF_OPEN,
  keepAliveInitialDelay: "keepAlive takes the delay in ms",
  highWaterMark: "use receiveBuffer and sendBuffer",
  readableHighWaterMark: "use receiveBuffer",
  writableHighWaterMark: "use sendBuffer",
  signal: "use timeout",
  typeOfService: "use dscp, which is its upper six bits",
  tos: "use dscp, which is its upper six bits",
};

export const CONNECT_HINTS: Hints = {
  ...STREAM,
  family: ONE_ADDRESS,
  autoSelectFamily: ONE_ADDRESS,
  autoSelectFamilyAttemptTimeout: ONE_ADDRESS,
  hints: ONE_ADDRESS,
  lookup: "look the name up with resolve() and give the Address as host",
  onread: "use readInto() or peek()",
  checkServerIdentity: "functions can't go to the networking thread; use tls: { servername }",
  connectTimeout: "use timeout",
};

export const LISTEN_HINTS: Hints = {
  ...STREAM,
  signal: "use close()",
  timeout: "use acceptWait(timeout)",
  exclusive: "a server has its port for itself; accepted connections go to other threads with detach()",
  pauseOnConnect: "accepted connections wait until they are read",
};

export const BIND_UDP_HINTS: Hints = {
  type: 'it follows from host: "0.0.0.0" is IPv4, "::" with ipv6Only is IPv6, none is both',
  address: "use host",
  hostname: "use host",
  recvBufferSize: "use receiveBuffer",
  sendBufferSize: "use sendBuffer",
  dscp: "Node can't set it on UDP sockets",
  lookup: "look the name up with resolve() and give the Address as host",
  signal: "use close()",
  timeout: "use receiveWait(timeout)",
};

export const READ_HINTS: Hints = {
  timeout: "the timeout comes before the options",
  encoding: "only readLine gives a string; readUntil and readAll give bytes",
};
