/**
 * The cases of the stress runs, and the memory that each of them shares.
 *
 * Test code.
 */

import {
  CALLER_BLOCK_BYTES,
  HANDLE_ID,
  LINK_BLOCK_BYTES,
  QUEUE_CAPACITY,
  RX_READ,
  RX_WRITE,
  SLOT_BYTES,
  WORKER_BLOCK_BYTES,
} from "../../build/ring/layout.js";
import { DOORBELL_SLOT_BYTES } from "./doorbell-ends.js";
import { SWARM_SLOTS } from "./swarm-ends.js";

const KIB = 1024;
const BYTE_RINGS = [16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB];
const RECORD_RINGS = [256, 4 * KIB, 64 * KIB, 1024 * KIB];
const FLOW_RINGS = [16, KIB, 16 * KIB, 64 * KIB, 1024 * KIB];
/** Positions begin a little below these; the last is 2³², which a word holds as 0. */
const STARTS = { "2³¹": 2 ** 31, "2³²": 2 ** 32 };

/**
 * The relative share of the bytes that a case moves: a byte through a small ring costs far more than one through a large ring. The
 * larger half of the rings moves nearly all bytes; the smaller half has more interleavings for each byte.
 */
function share(capacity) {
  return Math.sqrt(capacity);
}

/** All cases, with the bytes that each moves, `total` together. */
export function cases(total) {
  const list = [];
  for (const [kind, rings] of [
    ["bytes", BYTE_RINGS],
    ["records", RECORD_RINGS],
    ["flow", FLOW_RINGS],
  ]) {
    for (const capacity of rings) for (const start of Object.keys(STARTS)) list.push({ kind, capacity, start });
  }
  const whole = list.reduce((sum, { capacity }) => sum + share(capacity), 0);
  const byteCases = list.map((entry) => ({ ...entry, total: Math.ceil((total * share(entry.capacity)) / whole) }));
  // These move words: pieces of news, questions.
  return [
    ...byteCases,
    { kind: "swarm", capacity: SWARM_SLOTS, start: "2³²", total: Math.ceil(total / 200) },
    { kind: "doorbell", capacity: 1, start: "2³²", total: Math.ceil(total / 5000) },
  ];
}

function block(bytes) {
  return new Int32Array(new SharedArrayBuffer(bytes));
}

/** A position up to two rings below the given one, as a word. */
function below(start, capacity, seed) {
  return (STARTS[start] - 1 - (seed % (2 * capacity))) | 0;
}

/** The parts that threads play in a case, and what they share. */
export function parts({ kind, capacity, start, total }, seed) {
  const common = { total, seed, consumerBlock: block(CALLER_BLOCK_BYTES) };
  if (kind === "swarm") return swarmParts(common);
  if (kind === "doorbell") return doorbellParts(common);
  const shared = {
    ...common,
    producerBlock: block(CALLER_BLOCK_BYTES),
    bytes: new Uint8Array(new SharedArrayBuffer(capacity)),
  };
  const position = below(start, capacity, seed);
  if (kind === "flow") {
    const slot = block(SLOT_BYTES);
    slot[RX_WRITE] = slot[RX_READ] = position;
    slot[HANDLE_ID] = 1;
    Object.assign(shared, { slot, link: block(LINK_BLOCK_BYTES), workerBlock: block(WORKER_BLOCK_BYTES) });
  } else {
    const words = block(4 * 32);
    words[0] = words[16] = position;
    Object.assign(shared, { words });
  }
  return [
    { part: `${kind} producer`, shared },
    { part: `${kind} consumer`, shared },
  ];
}

/** A slot queue by itself: two positions, then the entries. */
function queueBlock(seed) {
  const link = block(4 * (32 + QUEUE_CAPACITY));
  link[0] = link[16] = -1 - (seed % 100);
  return link;
}

function doorbellParts(common) {
  const callers = [0, 1].map(() => ({
    link: queueBlock(common.seed),
    slot: block(DOORBELL_SLOT_BYTES),
    callerBlock: block(CALLER_BLOCK_BYTES),
  }));
  const shared = { ...common, callers, workerBlock: block(WORKER_BLOCK_BYTES) };
  return [
    { part: "doorbell worker", shared },
    ...[0, 1].map((number) => ({ part: "doorbell caller", shared: { ...shared, number } })),
  ];
}

function swarmParts(common) {
  const links = [0, 1].map(() => queueBlock(common.seed));
  const slotsOf = [0, 1].map(() => block(4 * 32 * SWARM_SLOTS));
  return [
    ...[0, 1].map((number) => ({
      part: "swarm producer",
      shared: { ...common, link: links[number], slots: slotsOf[number], number },
    })),
    { part: "swarm consumer", shared: { ...common, links, slotsOf } },
  ];
}
