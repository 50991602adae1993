/**
 * Node's modules for TLS and HTTP, loaded at the first use: programs without them start some milliseconds earlier.
 *
 * Runs on the networking thread.
 */

import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

// Node's own modules can be required at any time; `import()` would make every command that may need one asynchronous.
// (This code is not in a file, so any path will do: Node finds its own modules from everywhere.)
const require = createRequire(process.execPath);

export function nodeTls(): typeof import("node:tls") {
  return require("node:tls");
}

export function nodeCrypto(): typeof import("node:crypto") {
  return require("node:crypto");
}

export function nodeHttp(): typeof import("node:http") {
  return require("node:http");
}

export function nodeHttps(): typeof import("node:https") {
  return require("node:https");
}

/** Whether `socket` is a TLS socket. */
export function isSecure(socket: Socket): socket is TLSSocket {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
