/**
 * Hands a connection to another thread, as a token.
 *
 * `detachedToken` runs on the old owner's thread, `attachSocket` on the new owner's. The slot's HANDLE_ID word decides
 * who owns the connection: detaching stores a mark that is unique to the token; attaching exchanges the mark for the
 * new owner's handle id in one step. So of several threads with the token one succeeds, and none with an earlier token.
 * The new owner announces itself to the networking thread on a broadcast channel, because there is no other way from a
 * thread without a link to it; until then received bytes stay in the ring.
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

/** Detachments of one networking thread are numbered up to this, and then from the beginning. */
const LAST_MARK = 2 ** 30;

/** How long attaching waits, in ms, if too many attached connections were not moved yet. */
const ROOM_MS = 10_000;

/** The state of this end of the connection, beside the rings. */
export interface SocketState {
  options: SocketOptions;
  /** Bytes taken out of the ring and not read. */
  held: Uint8Array;
  bytesRead: number;
  bytesWritten: number;
  ended: boolean;
  endReported: boolean;
}

/**
 * A detached connection. It can be posted to any thread of the process, and attached once. Treat it as opaque.
 */
export interface SocketToken {
  readonly ringnet: "detached socket";
  /** @internal */
  readonly networkingThread: string;
  /** @internal */
  readonly workerBlock: SharedArrayBuffer;
  /** @internal */
  readonly slot: SlotReference;
  /** @internal The value of the slot's HANDLE_ID until the connection is attached. */
  readonly mark: number;
  /** @internal */
  readonly rings: RingPair;
  /** @internal */
  readonly facts: ConnectionFacts | null;
  /** @internal */
  readonly state: SocketState;
}

/** Detaches the connection of `channel`. */
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
    slot: channel.memory.reference,
    mark,
    rings: channel.memory.ringReferences as RingPair,
    facts: channel.facts,
    state,
  };
}

/** Attaches the connection of `token` to this thread. */
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
  const attached = { words, reference: token.slot, ringReferences: token.rings, free() {} }; // the thread that opened it frees it
  const channel = new Channel(link, handleId, attached, ringEnds(attached));
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

/** Resets the connection of a token that this thread made, after the thread that attached it has ended. */
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
