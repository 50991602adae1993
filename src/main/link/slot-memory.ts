/**
 * The shared memory of one link: slots and rings, allocated from arenas and freed after the networking thread has
 * released them.
 *
 * Runs on the calling thread, which alone allocates.
 */

import { Arena } from "../../ring/arena.js";
import { ByteConsumer, ByteProducer } from "../../ring/byte-ring.js";
import {
  FAULT,
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
import type { Rings } from "./channel.js";

export class SlotMemory {
  readonly #slots = new Arena(SLOT_BYTES);
  /** Arenas of rings by the size of a ring in bytes. */
  readonly #rings = new Map<number, Arena>();

  /** Bytes of shared memory allocated. */
  get bytes(): number {
    let bytes = this.#slots.bytes;
    for (const arena of this.#rings.values()) bytes += arena.bytes;
    return bytes;
  }

  /** A slot for the handle with this id, in phase waiting. */
  allocateSlot(handleId: number): { words: Int32Array; reference: SlotReference; free: () => void } {
    const piece = this.#slots.allocate();
    const memory = this.#slots.memory(piece);
    const offset = this.#slots.offset(piece);
    const words = new Int32Array(memory, offset, SLOT_WORDS).fill(0, 0, FAULT + 1);
    words[HANDLE_ID] = handleId;
    words[STATE] = PHASE_WAITING;
    return { words, reference: { handleId, memory, offset }, free: () => this.#slots.free(piece) };
  }

  /** Two rings of these sizes in bytes. */
  allocateRings(receiveBytes: number, sendBytes: number): { rings: RingPair; free: () => void } {
    const receive = this.#allocateRing(receiveBytes);
    const send = this.#allocateRing(sendBytes);
    const free = (): void => {
      receive.free();
      send.free();
    };
    return { rings: { receive: receive.reference, send: send.reference }, free };
  }

  #allocateRing(capacity: number): { reference: RingReference; free: () => void } {
    let arena = this.#rings.get(capacity);
    if (arena === undefined) {
      arena = new Arena(capacity);
      this.#rings.set(capacity, arena);
    }
    const from = arena;
    const piece = from.allocate();
    return {
      reference: { memory: from.memory(piece), offset: from.offset(piece), capacity },
      free: () => from.free(piece),
    };
  }
}

/** This thread's ends of a socket's rings. */
export function ringEnds(words: Int32Array, { receive, send }: RingPair): Rings {
  return {
    receive: new ByteConsumer(words, RX_WRITE, RX_READ, bytesOf(receive)),
    send: new ByteProducer(words, TX_WRITE, TX_READ, bytesOf(send)),
  };
}

function bytesOf({ memory, offset, capacity }: RingReference): Uint8Array {
  return new Uint8Array(memory, offset, capacity);
}
