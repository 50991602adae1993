/**
 * Handing a connection to another thread: the token that travels, and what the two threads do with it.
 *
 * `detachedToken` runs on the thread that gives, `attachSocket` on the one that takes. The slot's HANDLE_ID word says
 * which thread owns the connection: detaching stores a mark that no other token has, taking exchanges it for the taker's handle id in one
 * step, so that of several takers one wins, and none with an earlier token. The networking thread learns the new owner through a broadcast
 * channel, because nothing else reaches it from a thread without a link to it; until then what arrives stays in the ring.
 */

import { DETACHMENTS, HANDLE_ID, LINK_BLOCK_BYTES, MAX_ATTACHING, SLOT_WORDS } from "../../ring/layout.js";
import type { AttachMessage, ConnectionFacts, RingPair, SlotReference } from "../../ring/protocol.js";
import { ANYTHING } from "../../ring/signal.js";
import { type Caller, thisCaller } from "../link/caller.js";
import { Channel } from "../link/channel.js";
import { Deadline } from "../link/deadline.js";
import { ringEnds } from "../link/slot-memory.js";
import { WorkerLink } from "../link/worker-link.js";
import { NetError } from "./net-error.js";
import type { SocketOptions } from "./options.js";

/** Detachments of one networking thread are numbered up to this, and then anew. */
const LAST_MARK = 2 ** 30;

/** How long attaching waits, in ms, where very many connections were attached and not moved yet. */
const ROOM_MS = 10_000;

/** What this end of the connection knows beside the rings. */
export interface SocketState {
  options: SocketOptions;
  /** Bytes that were taken out of the ring and not read. */
  held: Uint8Array;
  bytesRead: number;
  bytesWritten: number;
  ended: boolean;
  endReported: boolean;
}

/**
 * A detached connection. It can be posted to any thread of the process, and attached once. Treat it as
 * opaque.
 */
export interface SocketToken {
  readonly ringnet: "detached socket";
  readonly networkingThread: string;
  readonly workerBlock: SharedArrayBuffer;
  readonly slot: SlotReference;
  /** What the slot's HANDLE_ID says until the connection is attached. */
  readonly mark: number;
  readonly rings: RingPair;
  readonly facts: ConnectionFacts | null;
  readonly state: SocketState;
}

/** Gives the connection of `channel` away. */
export function detachedToken(channel: Channel, state: SocketState): SocketToken {
  const { link } = channel;
  link.takeNotices();
  const number = Atomics.add(new Int32Array(link.workerBlock), DETACHMENTS, 1); // no partner: only counted
  const mark = -1 - (number & (LAST_MARK - 1));
  Atomics.store(channel.words, HANDLE_ID, mark); // partner: attachSocket
  channel.detached = true;
  link.forget(channel);
  return {
    ringnet: "detached socket",
    networkingThread: link.name,
    workerBlock: link.workerBlock,
    slot: channel.reference,
    mark,
    rings: channel.ringReferences as RingPair,
    facts: channel.facts,
    state,
  };
}

/** Takes the connection of `token` over. */
export function attachSocket(token: SocketToken): SocketState & { channel: Channel } {
  if (token?.ringnet !== "detached socket") throw new TypeError("token must be what detach() returned");
  const caller = thisCaller();
  const { memory, offset, handleId: home } = token.slot;
  const words = new Int32Array(memory, offset, SLOT_WORDS);
  const link = attachedLink(caller, token);
  if (!caller.wait(ANYTHING, new Deadline(ROOM_MS), hasRoom, link)) throw noRoom();
  const handleId = caller.nextHandleId((candidate) => link.has(candidate));
  if (Atomics.compareExchange(words, HANDLE_ID, token.mark, handleId) !== token.mark) {
    // partner: detachedToken, attachSocket (of another thread)
    throw new NetError({
      code: "ERR_SOCKET_DETACHED",
      message: "the token was attached already, or a later one was made, or its connection is gone",
    });
  }
  link.attachWindow.begin();
  const channel = new Channel(link, handleId, token.slot, token.rings, words, ringEnds(words, token.rings), () => {});
  channel.facts = token.facts;
  link.add(channel);
  const message: AttachMessage = {
    caller: caller.name,
    callerBlock: caller.memory,
    linkBlock: link.linkBlock,
    home,
    handleId,
  };
  link.announcements?.post(message);
  return { ...token.state, channel };
}

/** Resets the connection of a token that this thread has made, and whose taker has ended. */
export function revokeSocket(token: SocketToken): void {
  if (token?.ringnet !== "detached socket") throw new TypeError("token must be what detach() returned");
  const { networkingThread, slot } = token;
  const home = thisCaller().links.find((link) => link.name === networkingThread && !link.attachedOnly);
  if (home === undefined) throw new TypeError("a token is revoked by the thread that called detach()");
  home.post({ type: "revoke", handleId: slot.handleId });
}

/** This thread's link to the token's networking thread, for attached connections only. */
function attachedLink(caller: Caller, token: SocketToken): WorkerLink {
  const known = caller.links.find((link) => link.name === token.networkingThread && link.attachedOnly);
  if (known !== undefined) return known;
  return new WorkerLink(
    caller,
    token.networkingThread,
    token.workerBlock,
    new SharedArrayBuffer(LINK_BLOCK_BYTES),
    null,
  );
}

function hasRoom(link: WorkerLink): boolean {
  return link.attachWindow.hasRoom() || link.death !== null;
}

function noRoom(): NetError {
  const what = `the networking thread has moved none of the last ${MAX_ATTACHING} connections attached here for ${ROOM_MS} ms`;
  return new NetError({ code: "ENOBUFS", message: `${what}; the token is still good`, syscall: "attach" });
}
