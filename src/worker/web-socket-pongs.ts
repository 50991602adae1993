/**
 * Answers the pings of a WebSocket's peer.
 *
 * Runs on the networking thread. `ws` would do it, but ends the connection if many pings arrive at once.
 */

import type { WebSocket } from "ws";

/** The most pongs that wait to be sent. */
const MOST_WAITING = 60;

/**
 * Answers each ping. While `MOST_WAITING` answers wait, because the peer does not read or a long message is compressed,
 * only the latest ping is remembered and answered (RFC 6455, section 5.5.3), so that a flood takes no memory.
 */
export function answerPings(webSocket: WebSocket): void {
  let waiting = 0;
  let latest: Buffer | null = null;
  const answer = (payload: Buffer): void => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (waiting < MOST_WAITING) {
      waiting++;
      webSocket.pong(payload, undefined, sent);
    } else {
      latest = payload;
    }
  };
  /** The kernel has taken a pong, or the connection is gone. */
  const sent = (): void => {
    waiting--;
    const payload = latest;
    latest = null;
    if (payload !== null) answer(payload);
  };
  webSocket.on("ping", answer);
}
