/**
 * The DSCP of outgoing packets.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";

/** Sets it on a socket that is connected. The calling thread refuses the option where Node has no `setTypeOfService`. */
export function setDscp(socket: Socket, dscp: number | undefined): void {
  if (dscp === undefined) return;
  try {
    socket.setTypeOfService(dscp << 2); // the upper six bits of the byte that was the type of service: RFC 2474, section 3
  } catch (error) {
    socket.destroy(error as Error);
  }
}
