/**
 * Connections to a peer that sends bytes in chosen pieces (the behaviour `pieces`).
 */

import { connect, type TcpSocket } from "ringnet";
import { startPeer } from "../support/peers.js";

/** The smallest ring, so that its edge and frames longer than it come early. */
export const RING = 4096;

/** How many bytes after the first `read` of a stream the edge of its ring lies. The first edge: FIRST_BYTES in slot-memory.ts. */
export function bytesToEdge(read: number): number {
  return RING - ((RING - 3072 + read) % RING);
}

export interface Piece {
  bytes: string | Uint8Array;
  /** Milliseconds after the piece before. */
  delay?: number;
}

/** Starts such a peer; returns how to open connections to it. */
export function startPiecewise(): { port: number; open: (options?: object) => TcpSocket } {
  const { port } = startPeer("pieces", { hash: false });
  const open = (options = {}) => connect({ host: "127.0.0.1", port, timeout: 10_000, receiveBuffer: RING, ...options });
  return { port, open };
}

/** Has the peer send these pieces, and then end its side by default. */
export function order(socket: TcpSocket, pieces: (Piece | string | Uint8Array)[], end = true): void {
  const list = pieces.map((piece) => {
    const { bytes, delay = 0 } = typeof piece === "string" || piece instanceof Uint8Array ? { bytes: piece } : piece;
    return { base64: Buffer.from(bytes as string).toString("base64"), delay };
  });
  socket.writeAll(`${JSON.stringify({ pieces: list, end })}\n`, 10_000);
}
