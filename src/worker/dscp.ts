/**
 * The DSCP of outgoing packets.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";

/** Sets it on a connected socket. The calling thread refuses the option if Node has no `setTypeOfService`. */
export function setDscp(socket: Socket, dscp: number | undefined): void {
  if (dscp === undefined) return;
  try {
    socket.setTypeOfService(dscp << 2); // the upper six bits of that byte: RFC 2474, section 3
  } catch (error) {
    socket.destroy(error as Error);
  }
}
