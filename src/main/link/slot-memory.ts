/**
 * The shared memory of one link: slots and rings, allocated from arenas and freed after the networking thread has
 * released them.
 *
 * Runs on the calling thread, which alone allocates.
 */

import { Arena } from "../../ring/arena.js";
import { ByteConsumer, ByteProducer } from "../../ring/byte-ring.js";
import {
  BLOCK_SLOTS,
  FAULT_BYTES,
  HANDLE_ID,
  PHASE_WAITING,
  RX_READ,
  RX_WRITE,
  SLOT_BYTES,
  SLOT_WORDS,
  STATE,
  TX_READ,
  TX_WRITE,
} from "../../ring/layout.js";
import type { RingPair, RingReference, SlotReference } from "../../ring/protocol.js";
import type { ChannelMemory, Rings } from "./channel.js";

/**
 * A receive ring ends this many bytes into a page of memory. The rest of that page is the beginning of its send ring, and
 * the first received bytes go to the end of the receive ring: a short conversation touches one page for both directions.
 * What is received is usually longer than what is sent.
 */
const FIRST_BYTES = 3072;

export class SlotMemory {
  readonly #slots = new Arena(SLOT_BYTES, { pieces: BLOCK_SLOTS, tail: BLOCK_SLOTS * FAULT_BYTES });
  /** Arenas of pairs of rings, by `pairKey`. */
  readonly #pairs = new Map<number, Arena>();

  /** Bytes of shared memory allocated. */
  get bytes(): number {
    let bytes = this.#slots.bytes;
    for (const arena of this.#pairs.values()) bytes += arena.bytes;
    return bytes;
  }

  /** A slot in phase waiting for the handle with this id, with rings of these sizes if there are any. */
  allocate(handleId: number, sizes: RingSizes | null): HandleMemory {
    const memory = new HandleMemory(handleId, this.#slots);
    if (sizes === null) return memory;
    try {
      memory.addRings(this.#pairsOf(sizes), sizes);
    } catch (error) {
      memory.free();
      throw error;
    }
    return memory;
  }

  #pairsOf(sizes: RingSizes): Arena {
    const key = pairKey(sizes);
    let arena = this.#pairs.get(key);
    if (arena === undefined) {
      arena = new Arena(sizes.receiveBuffer + sizes.sendBuffer, { lead: FIRST_BYTES });
      this.#pairs.set(key, arena);
    }
    return arena;
  }
}

/** In bytes, powers of two from 4096. */
export interface RingSizes {
  receiveBuffer: number;
  sendBuffer: number;
}

/** A number for two powers of two. */
function pairKey({ receiveBuffer, sendBuffer }: RingSizes): number {
  return 32 * Math.clz32(receiveBuffer) + Math.clz32(sendBuffer);
}

/** A handle's slot and rings. */
export class HandleMemory implements ChannelMemory {
  readonly words: Int32Array;
  readonly reference: SlotReference;
  ringReferences: RingPair | null = null;
  readonly #slots: Arena;
  readonly #slot: number;
  #pairs: Arena | null = null;
  #pair = 0;

  constructor(handleId: number, slots: Arena) {
    this.#slots = slots;
    this.#slot = slots.allocate();
    const memory = slots.memory(this.#slot);
    const offset = slots.offset(this.#slot);
    this.words = new Int32Array(memory, offset, SLOT_WORDS).fill(0);
    this.words[HANDLE_ID] = handleId;
    this.words[STATE] = PHASE_WAITING;
    this.reference = { handleId, memory, offset };
  }

  /** Adds two rings from `pairs`. Only before another thread knows the slot. */
  addRings(pairs: Arena, { receiveBuffer, sendBuffer }: RingSizes): void {
    this.#pair = pairs.allocate();
    this.#pairs = pairs;
    const memory = pairs.memory(this.#pair);
    const offset = pairs.offset(this.#pair);
    this.ringReferences = {
      receive: { memory, offset, capacity: receiveBuffer },
      send: { memory, offset: offset + receiveBuffer, capacity: sendBuffer },
    };
    this.words[RX_WRITE] = this.words[RX_READ] = receiveBuffer - FIRST_BYTES;
  }

  /** Call it once, when no other thread will touch the slot again. */
  free(): void {
    this.#slots.free(this.#slot);
    this.#pairs?.free(this.#pair);
  }
}

/** This thread's ends of a handle's rings, if it has any. */
export function ringEnds({ words, ringReferences }: ChannelMemory): Rings | null {
  if (ringReferences === null) return null;
  return {
    receive: new ByteConsumer(words, RX_WRITE, RX_READ, bytesOf(ringReferences.receive)),
    send: new ByteProducer(words, TX_WRITE, TX_READ, bytesOf(ringReferences.send)),
  };
}

function bytesOf({ memory, offset, capacity }: RingReference): Uint8Array {
  return new Uint8Array(memory, offset, capacity);
}
