/**
 * Clients that connect to a socket that is bound and does not listen yet. The system would refuse them; here such a
 * socket already listens, so that a second `bind` of its port fails: with Node's sockets, which share ports (SO_REUSEADDR), only `listen` would.
 *
 * Runs on the calling thread.
 */

import type { TcpServer } from "../main/index.js";
import { errnoOf } from "./errors.js";

/** Resets the clients that have connected to `server` so far. */
export function resetEarlyClients(server: TcpServer): void {
  try {
    for (let client = server.accept(); client !== null; client = server.accept()) client.reset();
  } catch (error) {
    errnoOf(error); // rethrows a bug; if the server has failed, the next `accept` throws that again
  }
}
