/**
 * The memory map: every word that two threads share, and who writes it.
 *
 * Read by both threads; holds constants only.
 *
 * There are four kinds of shared blocks. All consist of 32-bit words, and every word that one thread writes and
 * another reads has a cache line of its own (64 bytes, 16 words), so that a store never invalidates a line that
 * another thread uses for something else. Only words of a slot that have one writer and rarely change share a line.
 *
 * ```
 * worker block: one for each networking thread             written by
 *   line 0   DOORBELL         counts rings                  callers (add)
 *        1   SLEEPING         1: it may sleep, ring          worker sets, the caller that rings clears
 *        2   LIFE             see LIFE_…                    worker
 *        3   PING             counts heartbeats             callers (add)
 *        4   PONG             the last heartbeat answered   worker
 *        5   STOP             1: stop all work              the caller that started the thread
 *        6   DETACHMENTS      counts detached connections   callers (add)
 *        7   FINISH           FINISH_…, DRAIN…              another thread, worker
 *   line 8…  LIFE_FAULT       why it died, as text          worker, before LIFE
 *
 * caller block: one for each thread that calls
 *   line 0   SIGNAL           counts wake-ups               workers (add)
 *        1   INTEREST         what the caller sleeps on     caller sets, the worker that wakes clears
 *
 * link block: one for each pair of a caller and a networking thread
 *   line 0   TO_WORKER_WRITE  queue position                caller
 *        1   TO_WORKER_READ   queue position                worker
 *        2   TO_CALLER_WRITE  queue position                worker
 *        3   TO_CALLER_READ   queue position                caller
 *        4   NOTICES          notices posted so far         worker
 *        5   ATTACHED         connections moved here so far worker
 *   line 6…  two queues of QUEUE_CAPACITY handle ids: to the worker, then to the caller
 *
 * slot: one for each open handle, carved out of shared slot blocks, 768 bytes
 *   line 0   HANDLE_ID        the handle that owns the slot; negative: the number of the detachment whose token may take it
 *                                                           callers: at opening, at detaching, at attaching
 *            KEEP_ALIVE_DELAY in ms, read with REQUEST_OPTIONS                                    caller
 *        1   STATE            PHASE_… | …_ENDED             worker (caller only before the worker knows the slot)
 *        2   RX_WRITE         receive ring, position        worker
 *        3   RX_READ          receive ring, position        caller
 *        4   RX_PAUSED        1: the worker stopped reading worker sets; the thread that clears it resumes reading
 *        5   TX_WRITE         send ring, position           caller
 *        6   TX_READ          send ring, position           worker
 *        7   REQUEST          REQUEST_… bits                caller (or)
 *        8   TO_WORKER_FLAG   1: is in the queue            caller sets, worker clears
 *        9   TO_CALLER_FLAG   1: is in the queue            worker sets, caller clears
 *       10   COUNT            clients that have arrived at a server; datagrams dropped by a UDP socket      worker
 *            PENDING_ERRORS   errors that do not end the handle (a send refused, an accept failed) worker
 *            TX_ASIDE         datagrams taken out of the send ring that wait for a look-up: bytes, plus one for each  worker
 *            STAGE            the stage of connecting, STAGE_…                    worker
 *            FAULT            the length of the text that says why it failed      worker, before STATE says so
 *       11   ROOM_WANTED      1: queue the slot when there is room to send      caller sets, worker clears
 *   behind all slots of the block, at FAULT_TEXT from the slot's beginning: the text, JSON in UTF-8               worker, before FAULT
 * ```
 *
 * Positions count bytes (or entries). They begin at 0, a receive ring's shortly before its end (see FIRST_BYTES in
 * `slot-memory.ts`). They only grow, and wrap at 2³². They are stored in Int32 words; the difference of two is taken
 * modulo 2³² with `| 0`. An index is a position masked by the capacity, a power of two. Names end in `…Position` or
 * `…Index`.
 *
 * JavaScript's `Atomics` are sequentially consistent (ECMA-262, "Memory Model"), so the arguments in the other files
 * of this folder are about program order and lost wake-ups, not fences.
 */

/** Words in a cache line of 64 bytes. */
export const LINE = 16;

// Worker block.
export const DOORBELL = 0 * LINE;
export const SLEEPING = 1 * LINE;
export const LIFE = 2 * LINE;
export const PING = 3 * LINE;
export const PONG = 4 * LINE;
export const STOP = 5 * LINE;
export const DETACHMENTS = 6 * LINE;
export const FINISH = 7 * LINE;
/** First word of the text that says why the networking thread died: a length in bytes, then UTF-8. */
export const LIFE_FAULT = 8 * LINE;
/** Where the text is, from the block's beginning, in bytes. */
export const LIFE_FAULT_TEXT = 4 * LIFE_FAULT + 4;
export const WORKER_BLOCK_BYTES = 16 * 1024;
export const LIFE_FAULT_BYTES = WORKER_BLOCK_BYTES - LIFE_FAULT_TEXT;

/** The networking thread is starting. */
export const LIFE_STARTING = 0;
/** It is running. */
export const LIFE_RUNNING = 1;
/** It could not start, or it has ended: LIFE_FAULT has the reason. */
export const LIFE_DEAD = 2;
/** It was stopped, and does nothing until it is ended. */
export const LIFE_STOPPED = 3;

/**
 * The main thread, before it ends the process, asks the networking thread of a worker thread to send what is pending
 * and stop. It increments PING too.
 */
export const FINISH_ASKED = 1;
/** The networking thread is doing so. */
export const FINISH_BEGUN = 2;
/**
 * A thread that is about to terminate the worker thread that started the networking thread asks it to send what is
 * pending. It increments PING too.
 */
export const DRAIN_ASKED = 3;
/** The networking thread is doing so. */
export const DRAIN_BEGUN = 4;
/** Everything is sent; or the linger time is over, and connections with unsent bytes were reset. */
export const DRAINED = 5;

// Caller block.
export const SIGNAL = 0 * LINE;
export const INTEREST = 1 * LINE;
export const CALLER_BLOCK_BYTES = 4 * 2 * LINE;

// Link block.
export const TO_WORKER_WRITE = 0 * LINE;
export const TO_WORKER_READ = 1 * LINE;
export const TO_CALLER_WRITE = 2 * LINE;
export const TO_CALLER_READ = 3 * LINE;
export const NOTICES = 4 * LINE;
export const ATTACHED = 5 * LINE;
export const QUEUES = 6 * LINE;
/** The most handles of one caller on one networking thread. */
export const MAX_SLOTS = 1 << 16;
/** The most connections that a caller may have attached and not yet found moved; see `slot-queue.ts`. */
export const MAX_ATTACHING = 2 * MAX_SLOTS;
/** The bound that `slot-queue.ts` argues. */
export const QUEUE_CAPACITY = 8 * MAX_SLOTS;
export const LINK_BLOCK_BYTES = 4 * (QUEUES + 2 * QUEUE_CAPACITY);

// Slot.
export const HANDLE_ID = 0 * LINE;
export const KEEP_ALIVE_DELAY = 0 * LINE + 1;
export const STATE = 1 * LINE;
export const RX_WRITE = 2 * LINE;
export const RX_READ = 3 * LINE;
export const RX_PAUSED = 4 * LINE;
export const TX_WRITE = 5 * LINE;
export const TX_READ = 6 * LINE;
export const REQUEST = 7 * LINE;
export const TO_WORKER_FLAG = 8 * LINE;
export const TO_CALLER_FLAG = 9 * LINE;
export const COUNT = 10 * LINE;
export const PENDING_ERRORS = 10 * LINE + 1;
export const TX_ASIDE = 10 * LINE + 2;
export const STAGE = 10 * LINE + 3;
export const FAULT = 10 * LINE + 4;
export const ROOM_WANTED = 11 * LINE;
export const SLOT_WORDS = 12 * LINE;
export const SLOT_BYTES = 4 * SLOT_WORDS;
/**
 * Slots in a block. With their texts they take more than 512 KiB: from that size on (Node 20: 128 KiB) V8 gets memory whose pages are zero
 * already, and pages that are never written take no memory. Most handles never fail, so the texts take none.
 */
export const BLOCK_SLOTS = 320;
/** From a slot's beginning to the text of its fault, in bytes. */
export const FAULT_TEXT = BLOCK_SLOTS * SLOT_BYTES;
/** Room for the text; as much as for a slot, so that the distance is the same for all. */
export const FAULT_BYTES = SLOT_BYTES;

/** The phase in STATE's low bits. */
export const PHASE_MASK = 7;
export const PHASE_WAITING = 1;
export const PHASE_OPEN = 2;
export const PHASE_FAILED = 3;
/** The worker will never touch the slot again: its caller may reuse it. */
export const PHASE_RELEASED = 4;
/** A bit beside the phase: the peer has ended its side, and all it sent is in the receive ring. */
export const READ_ENDED = 8;
/** A bit beside the phase: the operating system has taken everything, including the end of this side. */
export const WRITE_ENDED = 16;
/** A bit beside the phase: nothing can be sent any more (FAULT has the reason), but there may be bytes to read. */
export const WRITE_FAILED = 32;

/** The host's name is being looked up. */
export const STAGE_RESOLVE = 0;
/** Connecting, to the host or to a proxy. */
export const STAGE_CONNECT = 1;
/** Asking the proxy to connect to the host. */
export const STAGE_PROXY = 2;
/** Preparing TLS (reading and parsing certificates), or in its handshake. */
export const STAGE_TLS = 3;

/** Send what is in the send ring, then end the sending side. */
export const REQUEST_END = 1;
/** Send what is in the send ring, end, and release the slot. */
export const REQUEST_CLOSE = 2;
/** Drop everything, reset the connection (RST), and release the slot. */
export const REQUEST_RESET = 4;
/** Apply the option bits below. */
export const REQUEST_OPTIONS = 8;
export const OPTION_NO_DELAY = 16;
export const OPTION_KEEP_ALIVE = 32;
