/**
 * Seeded faults: edits of the product's source, or rules that the scenarios' own loops break. The exploration must find each
 * of them.
 *
 * Test code. An edit that no longer fits the source fails its test, so the list must follow the source.
 */

import type { Edit } from "./product.js";

export interface SeededFault {
  /** What is wrong, for docs/protocols.md. */
  name: string;
  /** Name of the scenario that finds it. */
  scenario: string;
  edits?: Edit[];
  /** A rule that the scenario's own loops break instead. */
  broken?: string;
}

function edit(module: string, find: string, replace: string): Edit[] {
  return [{ module, find, replace }];
}

const RING = "ring/byte-ring";
const QUEUE = "ring/slot-queue";
const SIGNAL = "ring/signal";
const SLOT = "worker/slot";
const LINK = "main/link/worker-link";
const MESSAGES_IN = "worker/message-receiver";
const CONNECTION = "worker/connection";
const ROUND = "main/link/sleep-round";
const MESSAGES_OUT = "worker/message-sender";
const LIVENESS = "main/link/liveness";

export const FAULTS: SeededFault[] = [
  // Cancelling.
  {
    name: "a caller is woken before the request to cancel is stored",
    scenario: "signal, cancelled",
    edits: edit(
      "ring/cancellation",
      "Atomics.store(word, 0, 1); waker.wakeAnyway();",
      "waker.wakeAnyway(); Atomics.store(word, 0, 1);",
    ),
  },
  {
    name: "cancelling does not wake the caller",
    scenario: "signal, cancelled",
    edits: edit("ring/cancellation", "waker.wakeAnyway();", ""),
  },
  {
    name: "a wait that is met takes the request to cancel",
    scenario: "signal, cancelled in a poller",
    edits: edit(
      "main/link/cancelled-wait",
      "if (!found) throwIfCancelled(words, place);",
      "if (!found) throwIfCancelled(words, place); else words.some(takeCancel);",
    ),
  },
  {
    name: "the request to cancel is taken before the wait",
    scenario: "signal, cancelled",
    edits: edit("main/link/cancelled-wait", "let found = false;", "let found = false; words.some(takeCancel);"),
  },
  // The byte ring.
  {
    name: "bytes are published before they are copied",
    scenario: "bytes, ring of 2, across 2³¹",
    edits: edit(
      RING,
      "const count = this.copy(source, offset, 0); if (count > 0) this.publish(count); return count;",
      `const count = Math.min(source.length - offset, this.free);
       if (count > 0) { this.publish(count); this.#writePosition -= count; this.copy(source, offset, 0); this.#writePosition += count; }
       return count;`,
    ),
  },
  {
    name: "bytes are given back before they are copied out",
    scenario: "bytes, ring of 2, across 2³¹",
    edits: edit(
      RING,
      "const count = this.copy(target, offset, 0); if (count > 0) this.consume(count); return count;",
      `const count = Math.min(target.length - offset, this.readable);
       if (count > 0) { this.consume(count); this.#readPosition -= count; this.copy(target, offset, 0); this.#readPosition += count; }
       return count;`,
    ),
  },
  {
    name: "the write position is stored without Atomics",
    scenario: "bytes, ring of 1",
    edits: edit(
      RING,
      "Atomics.store(this.#words, this.#writeWord, this.#writePosition);",
      "this.#words[this.#writeWord] = this.#writePosition;",
    ),
  },
  {
    name: "the ring is taken to be one byte larger than it is",
    scenario: "bytes, ring of 1",
    edits: edit(RING, "return this.capacity - this.pending;", "return this.capacity + 1 - this.pending;"),
  },
  {
    name: "a position is taken modulo the capacity, without a mask",
    scenario: "bytes in place",
    edits: edit(
      RING,
      "const index = this.#writePosition & this.#mask;",
      "const index = this.#writePosition % this.capacity;",
    ),
  },
  {
    name: "the difference of two positions is not taken modulo 2³²",
    scenario: "bytes, ring of 2, across 2³¹",
    edits: edit(
      RING,
      "return (this.#writePosition - this.#knownReadPosition) | 0;",
      "return this.#writePosition - this.#knownReadPosition;",
    ),
  },
  {
    name: "the known read position runs ahead of the truth",
    scenario: "bytes, ring of 2, across 2³¹",
    edits: edit(
      RING,
      "this.#knownReadPosition = Atomics.load(this.#words, this.#readWord);",
      "this.#knownReadPosition = Atomics.load(this.#words, this.#readWord) + 1;",
    ),
  },
  // Records.
  {
    name: "a record's header is published before its payload",
    scenario: "records",
    edits: edit(
      "ring/record-ring",
      "this.#ring.copy(payload, 0, this.#headBytes); this.#ring.publish(length);",
      "this.#ring.publish(this.#headBytes); this.#ring.copy(payload, 0, 0); this.#ring.publish(payload.length);",
    ),
  },
  {
    name: "a record is written over those not released yet",
    scenario: "records",
    edits: edit(
      "ring/record-ring",
      "if (this.#ring.free < length) return false;",
      "if (this.#ring.capacity < length) return false;",
    ),
  },
  // The slot queue.
  {
    name: "an entry is published before it is written",
    scenario: "slot queue",
    edits: edit(
      QUEUE,
      `this.#words[this.#entries + (this.#writePosition & MASK)] = handleId;
       this.#writePosition = (this.#writePosition + 1) | 0;
       Atomics.store(this.#words, this.#writeWord, this.#writePosition);`,
      `this.#writePosition = (this.#writePosition + 1) | 0;
       Atomics.store(this.#words, this.#writeWord, this.#writePosition);
       this.#words[this.#entries + ((this.#writePosition - 1) & MASK)] = handleId;`,
    ),
  },
  {
    name: "the flag is raised after the slot is queued",
    scenario: "slot queue",
    edits: edit(
      QUEUE,
      "Atomics.store(flags, flagWord, 1); this.pushAlways(handleId);",
      "this.pushAlways(handleId); Atomics.store(flags, flagWord, 1);",
    ),
  },
  {
    name: "the flag is never lowered",
    scenario: "slot queue",
    edits: edit(QUEUE, "Atomics.store(flags, flagWord, 0);", "Atomics.load(flags, flagWord);"),
  },
  {
    name: "a slot is queued whatever its flag says",
    scenario: "slot queue",
    edits: edit(QUEUE, "if (Atomics.load(flags, flagWord) === 1) return false;", "Atomics.load(flags, flagWord);"),
  },
  {
    name: "the flag is lowered after checking for news",
    scenario: "slot queue",
    broken: "the flag is lowered after checking for news",
  },
  {
    name: "news are published after the slot is queued",
    scenario: "slot queue",
    broken: "news are published after the slot is queued",
  },
  // The signal.
  {
    name: "the ticket is drawn at the moment of sleeping",
    scenario: "signal, one worker",
    edits: edit(
      SIGNAL,
      "Atomics.wait(this.#words, SIGNAL, ticket, milliseconds);",
      "Atomics.wait(this.#words, SIGNAL, Atomics.load(this.#words, SIGNAL), milliseconds);",
    ),
  },
  {
    name: "the waker does not count up",
    scenario: "signal, one worker",
    edits: edit(SIGNAL, "Atomics.add(this.#words, SIGNAL, 1);", ""),
  },
  {
    name: "the waker counts up and does not notify",
    scenario: "signal, one worker",
    edits: edit(SIGNAL, "Atomics.notify(this.#words, SIGNAL);", ""),
  },
  {
    name: "the waker clears the announcement after notifying",
    scenario: "signal, one worker",
    edits: edit(
      SIGNAL,
      `if (Atomics.compareExchange(this.#words, INTEREST, interest, AWAKE) !== interest) return;
       Atomics.add(this.#words, SIGNAL, 1); Atomics.notify(this.#words, SIGNAL);`,
      `Atomics.add(this.#words, SIGNAL, 1); Atomics.notify(this.#words, SIGNAL);
       Atomics.store(this.#words, INTEREST, AWAKE);`,
    ),
  },
  {
    name: "a caller that waits for any handle is not woken",
    scenario: "ready list",
    edits: edit("worker/caller-link", "else if (interest === ANYTHING) this.wakeSoon();", ""),
  },
  {
    name: "the sleeper does not announce itself",
    scenario: "signal, one worker",
    edits: edit(SIGNAL, "Atomics.store(this.#words, INTEREST, interest);", ""),
  },
  {
    name: "the caller does not check again after announcing",
    scenario: "signal, one worker",
    edits: edit(ROUND, "const found = met(target);", "const found = false;"),
  },
  {
    name: "the caller asks again after a yes, and forgets it",
    scenario: "signal, reported once",
    edits: edit(ROUND, "return found || met(target);", "return met(target);"),
  },
  {
    name: "news are published after the wake",
    scenario: "signal, one worker",
    broken: "news are published after the wake",
  },
  // The doorbell.
  {
    name: "the worker announces that it sleeps before it listens",
    scenario: "doorbell, one caller",
    edits: edit(
      SIGNAL,
      "this.#listen(); Atomics.store(this.#words, SLEEPING, 1);",
      "Atomics.store(this.#words, SLEEPING, 1); this.#listen();",
    ),
  },
  {
    name: "the worker does not listen again when it was rung meanwhile",
    scenario: "doorbell, one caller",
    edits: edit(SIGNAL, "if (!result.async) continue;", "if (!result.async) return;"),
  },
  {
    name: "the worker notices late that its waiter has fired",
    scenario: "doorbell, one caller",
    edits: edit(
      SIGNAL,
      "this.#listening = false; this.#onRing();",
      "this.#onRing(); setImmediate(() => { this.#listening = false; });",
    ),
  },
  {
    name: "the caller clears the announcement after ringing",
    scenario: "doorbell, one caller",
    edits: edit(
      SIGNAL,
      `if (Atomics.exchange(this.#words, SLEEPING, 0) === 0) return;
       Atomics.add(this.#words, DOORBELL, 1); Atomics.notify(this.#words, DOORBELL);`,
      `Atomics.add(this.#words, DOORBELL, 1); Atomics.notify(this.#words, DOORBELL);
       Atomics.store(this.#words, SLEEPING, 0);`,
    ),
  },
  {
    name: "the caller counts up and does not notify",
    scenario: "doorbell, one caller",
    edits: edit(SIGNAL, "Atomics.notify(this.#words, DOORBELL);", ""),
  },
  {
    name: "the worker does not check again after announcing",
    scenario: "doorbell, one caller",
    broken: "the worker does not check again after announcing",
  },
  {
    name: "work is queued after the ring",
    scenario: "doorbell, one caller",
    broken: "work is queued after the ring",
  },
  // Flow control.
  {
    name: "the worker pauses reading without checking for room again",
    scenario: "receive path, 'data' events",
    edits: edit("ring/flow-control", "if (ring.free < resumeThreshold(ring.capacity)) return true;", "return true;"),
  },
  {
    name: "the worker checks for room before it announces the pause",
    scenario: "receive path, 'data' events",
    edits: edit(
      "ring/flow-control",
      "Atomics.store(slot, RX_PAUSED, 1); if (ring.free < resumeThreshold(ring.capacity)) return true;",
      "const full = ring.free < resumeThreshold(ring.capacity); Atomics.store(slot, RX_PAUSED, 1); if (full) return true;",
    ),
  },
  {
    name: "the caller checks for a pause before it frees the bytes",
    scenario: "receive path, 'data' events",
    edits: edit(
      "main/link/read-buffer",
      "const taken = this.#ring.read(target, offset + count); if (taken > 0) { count += taken; this.#madeRoom(taken); }",
      `const taken = this.#ring.copy(target, offset + count, 0);
       if (taken > 0) { count += taken; this.#madeRoom(taken); this.#ring.consume(taken); }`,
    ),
  },
  {
    name: "the ring is read into while overflow is queued",
    scenario: "receive path, read into the ring",
    edits: edit(
      "worker/receiver",
      "if (!this.#discarding && this.#overflow.length === 0) {",
      "if (!this.#discarding) {",
    ),
  },
  {
    name: "the end is published before the overflow is in the ring",
    scenario: "receive path, 'data' events",
    edits: edit("worker/receiver", "if (this.#overflow.length === 0) then();", "if (true) then();"),
  },
  {
    name: "a delayed wake-up happens once and never again",
    scenario: "receive path, delayed wake-ups",
    edits: edit("worker/wake-coalescing", "this.#turnAhead = this.#grown = false;", "this.#grown = false;"),
  },
  {
    name: "news without a wake-up is forgotten",
    scenario: "receive path, delayed wake-ups",
    edits: edit(
      "worker/wake-coalescing",
      "this.#grown = true; if (this.#turnAhead) return;",
      "this.#grown = true; return;",
    ),
  },
  // The way out.
  {
    name: "bytes are freed before the socket's callback",
    scenario: "send path, with time-outs",
    broken: "bytes are freed before the socket's callback",
  },
  {
    name: "a caller that waits for room is not woken",
    scenario: "send path",
    edits: edit("worker/sender", "this.#slot.roomMade();", ""),
  },
  {
    name: "a caller that waits for room does not ask for it",
    scenario: "send path",
    edits: edit("main/link/socket-writer", "metOrAsk(this.#channel.words, met, this)", "met(this)"),
  },
  {
    name: "a caller does not check again after asking for room",
    scenario: "send path, polled for room",
    edits: edit("ring/room-interest", "askForRoom(slot); return met(target);", "askForRoom(slot); return false;"),
  },
  {
    name: "the interest in room is checked before the room is published",
    scenario: "send path, polled for room",
    edits: edit(
      "worker/sender",
      `this.#ring.consume(this.#inFlight); this.#slot.link.onActivity(this.#inFlight); this.#inFlight = 0;`,
      `this.#slot.roomMade(); this.#ring.consume(this.#inFlight); this.#slot.link.onActivity(this.#inFlight); this.#inFlight = 0;`,
    ).concat(edit("worker/sender", "this.#limit * 2); this.#slot.roomMade();", "this.#limit * 2);")),
  },
  {
    name: "the interest in room is cleared after the slot was queued",
    scenario: "send path, polled for room",
    edits: edit(
      "worker/slot",
      "if (takeRoomInterest(this.words)) this.notifyCaller();",
      "if (takeRoomInterest(this.words, () => this.notifyCaller())) return;",
    ).concat(
      edit(
        "ring/room-interest",
        "function takeRoomInterest(slot) { if (Atomics.load(slot, ROOM_WANTED) === 0) return false; Atomics.store(",
        "function takeRoomInterest(slot, queue) { if (Atomics.load(slot, ROOM_WANTED) === 0) return false; queue(); Atomics.store(",
      ),
    ),
  },
  {
    name: "the caller is woken for room without queueing the slot",
    scenario: "send path, polled for room",
    edits: edit(
      "worker/slot",
      "if (takeRoomInterest(this.words)) this.notifyCaller();",
      "if (takeRoomInterest(this.words)) this.wakeCaller();",
    ),
  },
  // TLS on an open connection.
  {
    name: "what was read ahead is not given to TLS",
    scenario: "TLS started while bytes come",
    edits: edit("worker/connection", "Buffer.concat([command.early, bytes])", "Buffer.concat([command.early])"),
  },
  {
    name: "the caller reads on where it was when TLS was started",
    scenario: "TLS started while bytes come",
    edits: edit("main/link/channel", "receive.skipTo(position);", ""),
  },
  {
    name: "reading goes on while the handshake is under way",
    scenario: "TLS started while bytes come",
    edits: edit("main/link/read-buffer", "if (this.#channel.securing) return 0;", ""),
  },
  {
    name: "the room of what TLS took does not resume reading",
    scenario: "TLS started while bytes come",
    edits: edit(
      "main/link/channel",
      "if (tryResume(this.words, receive.readable, receive.capacity)) this.notifyWorker();",
      "",
    ),
  },
  {
    name: "the caller is woken before TLS is said to be established",
    scenario: "TLS started while bytes go",
    edits: edit(
      "worker/slot",
      `this.#link.post({ type: "secured", handleId: this.#handleId, facts, position }); this.notifyCaller();`,
      `this.notifyCaller(); this.#link.post({ type: "secured", handleId: this.#handleId, facts, position });`,
    ),
  },
  {
    name: "writing goes on while the handshake is under way",
    scenario: "TLS started while bytes go",
    edits: edit("main/link/socket-writer", "this.#channel.securing ? 0 : this.#ring.write(", "this.#ring.write("),
  },
  {
    name: "TLS is started before all is sent",
    scenario: "TLS started while bytes go",
    broken: "TLS is started before all is sent",
  },
  {
    name: "a handshake that fails is not reported",
    scenario: "TLS started by a server",
    edits: edit(CONNECTION, "if (!this.#closed) this.failed(error);", ""),
  },
  {
    name: "the slot of a failed handshake does not come back",
    scenario: "TLS started by a server",
    edits: edit(CONNECTION, "if (this.#closed) this.slot.release();", ""),
  },
  {
    name: "client and server change roles",
    scenario: "TLS started by a server",
    edits: edit(CONNECTION, "if (command.isServer) startServer(", "if (!command.isServer) startServer("),
  },
  {
    name: "a wait for the handshake that times out counts as its success",
    scenario: "TLS started by a server",
    edits: edit(
      "main/api/tcp-socket",
      "if (!settled) throw this.#channel.outOfTime(timedOut(what, deadline.timeout));",
      "",
    ),
  },
  {
    name: "after a time-out a handshake under way counts as not begun",
    scenario: "TLS started, and closed after a time-out",
    edits: edit(
      "main/link/channel",
      "return securing && (state & PHASE_MASK) === PHASE_OPEN ? (state & ~PHASE_MASK) | PHASE_WAITING : state;",
      "return state;",
    ),
  },
  {
    name: "a handshake that ends after the close is reported",
    scenario: "TLS started, and closed after a time-out",
    edits: edit(CONNECTION, "if (!this.#closed) this.failed(error);", "this.failed(error);"),
  },
  {
    name: "closing leaves the handshake to the peer",
    scenario: "TLS started with a silent peer",
    edits: edit(CONNECTION, "this.connecting(() => below.destroy());", "this.connecting(() => {});"),
  },
  // The ready list.
  {
    name: "the caller is woken only when the slot was queued now",
    scenario: "ready list, after a wait for one",
    broken: "the caller is woken only when the slot was queued now",
  },
  {
    name: "the poller lowers the flag after checking for news",
    scenario: "ready list",
    broken: "the flag is lowered after checking for news",
  },
  {
    name: "the coalesced wake-up counts as done too early",
    scenario: "ready list, coalesced wake-ups",
    edits: edit("worker/caller-link", "this.#wakeAhead = false; this.waker.wakeAnyway();", "this.waker.wakeAnyway();"),
  },
  // Slots opened, released and reused.
  {
    name: "a slot queued before its message came keeps its flag",
    scenario: "slot opened and used",
    edits: edit("worker/slot", "SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG); }", "}"),
  },
  {
    name: "the worker does not service a slot that it has just opened",
    scenario: "slot opened and used",
    broken: "the worker does not service a slot that it has just opened",
  },
  {
    name: "a released slot is queued by its flag",
    scenario: "slot reused, with time-outs",
    edits: edit(
      "worker/slot",
      "this.#owner.toCaller.pushAlways(this.#ownerHandleId);",
      "this.#owner.toCaller.push(this.#ownerHandleId, this.words, TO_CALLER_FLAG);",
    ),
  },
  {
    name: "a slot is queued before it is released",
    scenario: "slot reused, with time-outs",
    edits: edit(
      "worker/slot",
      "Atomics.store(this.words, STATE, PHASE_RELEASED);",
      "this.#owner.toCaller.pushAlways(this.#ownerHandleId); Atomics.store(this.words, STATE, PHASE_RELEASED); return;",
    ),
  },
  // Connections handed to another thread.
  {
    name: "what the old caller has queued is not serviced at the handover",
    scenario: "handed over while bytes go",
    edits: edit("worker/actor", "link.handles.get(message.handleId)?.service();", ""),
  },
  {
    name: "the flag of the old caller's queue entry stays raised",
    scenario: "handed over while bytes go",
    edits: edit(SLOT, "SlotQueueConsumer.lower(this.words, TO_WORKER_FLAG); Atomics.store(", "Atomics.store("),
  },
  {
    name: "the new caller's queue is never drained",
    scenario: "handed over while bytes go",
    edits: edit("worker/actor", "this.#links = [this.#links[0], ...this.#attached.values()];", ""),
  },
  {
    name: "the new caller is queued by the flag of the old one",
    scenario: "handed over and polled",
    edits: edit(
      SLOT,
      "Atomics.store(this.words, TO_CALLER_FLAG, 1); link.toCaller.pushAlways(handleId);",
      "link.toCaller.push(handleId, this.words, TO_CALLER_FLAG);",
    ),
  },
  {
    name: "the new caller is not woken",
    scenario: "handed over while bytes come",
    edits: edit(
      "worker/caller-link",
      "Atomics.add(this.#words, ATTACHED, 1); this.waker.wakeAnyway();",
      "Atomics.add(this.#words, ATTACHED, 1);",
    ),
  },
  {
    name: "the old caller is woken for the new one's news",
    scenario: "handed over while bytes come",
    edits: edit(SLOT, "this.#link = link; this.#handleId = handleId;", "this.#handleId = handleId;"),
  },
  {
    name: "the new caller does not get the old one's read count",
    scenario: "handed over while bytes come",
    edits: edit("main/api/tcp-socket", "socket.#reader.bytesRead = bytesRead;", ""),
  },
  {
    name: "the old caller lowers the flag of a connection that it has detached",
    scenario: "handed over and closed",
    edits: edit(LINK, "if (channel.detached) continue;", ""),
  },
  {
    name: "a caller that waits for a slot's release is not woken",
    scenario: "slot reused, with time-outs",
    edits: edit(SLOT, "this.#owner.wake(this.#ownerHandleId);", ""),
  },
  {
    name: "the slot is returned to the caller that closes it",
    scenario: "handed over and closed",
    edits: edit(
      SLOT,
      "this.#owner.toCaller.pushAlways(this.#ownerHandleId); this.#owner.wake(this.#ownerHandleId);",
      "this.#link.toCaller.pushAlways(this.#handleId); this.#link.wake(this.#handleId);",
    ),
  },
  {
    name: "the slot is queued by its flag after the end was asked for",
    scenario: "handed over and closed",
    edits: edit(LINK, "if (this.#port !== null) { channel.request(bits);", "if (true) { channel.request(bits);"),
  },
  {
    name: "a reset asks for the end, and closing asks again",
    scenario: "handed over and reset, with time-outs",
    edits: edit(
      "main/api/tcp-socket",
      "this.#closeRequest = REQUEST_RESET;",
      "this.#channel.link.requestClose(this.#channel, REQUEST_RESET);",
    ),
  },
  {
    name: "the place of a handed-over connection is forgotten",
    scenario: "handed over and back",
    edits: edit("worker/actor", "this.#attachedSlots.set(message.home, slot);", ""),
  },
  {
    name: "attaching checks the token and takes it in two steps",
    scenario: "handed over to two",
    edits: edit(
      "main/api/socket-token",
      "if (Atomics.compareExchange(words, HANDLE_ID, token.mark, handleId) !== token.mark) {",
      "const free = Atomics.load(words, HANDLE_ID) === token.mark; if (free) Atomics.store(words, HANDLE_ID, handleId); if (!free) {",
    ),
  },
  {
    name: "connections are attached without a bound",
    scenario: "handed over again and again",
    edits: edit("main/api/socket-token", "link.attachWindow.begin();", ""),
  },
  {
    name: "a connection is counted as moved before it is queued for the caller",
    scenario: "handed over again and again",
    edits: edit(
      "worker/actor",
      "slot.moveTo(link, message.handleId); link.handles.get(message.handleId)?.service(); this.#work(); link.attached();",
      "link.attached(); slot.moveTo(link, message.handleId); link.handles.get(message.handleId)?.service(); this.#work();",
    ),
  },
  {
    name: "a message about an unknown connection is dropped",
    scenario: "accepted and handed over at once",
    edits: edit("worker/actor", "else this.#early.set(message.home, [message]);", ""),
  },
  // The networking thread's life.
  {
    name: "the worker does not check for pings again before it sleeps",
    scenario: "asked",
    edits: edit(
      "worker/actor",
      "if (Atomics.load(this.#words, PING) !== Atomics.load(this.#words, PONG)) return false;",
      "",
    ),
  },
  {
    name: "the worker does not check for the stop again before it sleeps",
    scenario: "stopped",
    edits: edit("worker/actor", "if (Atomics.load(this.#words, STOP) === 1) return this.#stopped;", ""),
  },
  {
    name: "the stop is requested after the ring",
    scenario: "stopped",
    edits: edit(
      LIVENESS,
      "Atomics.store(this.#worker, STOP, 1); this.#doorbell.ring();",
      "this.#doorbell.ring(); Atomics.store(this.#worker, STOP, 1);",
    ),
  },
  {
    name: "callers are woken before the stop is published",
    scenario: "stopped",
    edits: edit(
      "worker/actor",
      "Atomics.store(this.#words, LIFE, LIFE_STOPPED); for (const link of this.#links) link.waker.wakeAnyway();",
      "for (const link of this.#links) link.waker.wakeAnyway(); Atomics.store(this.#words, LIFE, LIFE_STOPPED);",
    ),
  },
  {
    name: "a stopped thread counts as alive",
    scenario: "stopped",
    edits: edit(LIVENESS, "else if (life === LIFE_STOPPED) this.die(RUNTIME_CLOSED);", ""),
  },
  {
    name: "death is published before its reason",
    scenario: "dying",
    edits: edit(
      "worker/boot",
      "writeFault(words, LIFE_FAULT, LIFE_FAULT_TEXT, LIFE_FAULT_BYTES, { code, message }); Atomics.store(words, LIFE, LIFE_DEAD);",
      "Atomics.store(words, LIFE, LIFE_DEAD); writeFault(words, LIFE_FAULT, LIFE_FAULT_TEXT, LIFE_FAULT_BYTES, { code, message });",
    ),
  },
  {
    name: "the last reason is written over the first",
    scenario: "dying",
    edits: edit("worker/boot", "if (Atomics.load(words, LIFE) === LIFE_DEAD) return;", ""),
  },
  {
    name: "no ping is ever sent",
    scenario: "killed",
    edits: edit(LIVENESS, "Atomics.add(this.#worker, PING, 1);", "Atomics.load(this.#worker, PING);"),
  },
  {
    name: "an answer does not reset the silence",
    scenario: "killed",
    edits: edit(LIVENESS, "this.#pong = pong; this.#silent = 0;", "this.#pong = pong;"),
  },
  {
    name: "one answer counts repeatedly",
    scenario: "killed",
    edits: edit(LIVENESS, "this.#pong = pong; this.#silent = 0;", "this.#silent = 0;"),
  },
  {
    name: "a wait during the start never gives up",
    scenario: "killed while it starts",
    edits: edit(
      LIVENESS,
      "(starting ? STARTING_HEARTBEATS : SILENT_HEARTBEATS)",
      "(starting ? 99 : SILENT_HEARTBEATS)",
    ),
  },
  // Messages of a WebSocket.
  {
    name: "a close overtakes a message that waits for room",
    scenario: "messages received",
    edits: edit(MESSAGES_IN, "(this.#overflow.length === 0 && this.#pass(kind, bytes))", "this.#pass(kind, bytes)"),
  },
  {
    name: "the end is published before the messages that wait for room",
    scenario: "messages received",
    edits: edit(MESSAGES_IN, "if (this.#overflow.length === 0) then(); else", "then(); if (this.#overflow.length < 0)"),
  },
  {
    name: "a paused WebSocket is resumed and its waiting messages are not written",
    scenario: "messages received",
    edits: edit(MESSAGES_IN, "if (this.#emptyOverflow()) this.resume();", "this.resume();"),
  },
  {
    name: "a message is not looked for among the notices",
    scenario: "long messages received",
    edits: edit("websocket/incoming-messages", "if (messages.length === 0) link.takeNotices();", ""),
  },
  {
    name: "a message that came in a notice is taken twice",
    scenario: "long messages received",
    edits: edit(
      "websocket/incoming-messages",
      "if ((this.#records.port & IN_NOTICE) !== 0) this.#channel.messages.shift();",
      "",
    ),
  },
  {
    name: "a message in a notice is counted after it was taken",
    scenario: "long messages received",
    edits: edit(MESSAGES_IN, "this.#handedOverBytes -= oldest.bytes;", ""),
  },
  {
    name: "a caller that has taken a message does not resume the WebSocket",
    scenario: "long messages received",
    edits: edit(
      "websocket/incoming-messages",
      "if (tryResume(this.#channel.words, receive.known, receive.capacity)) this.#channel.notifyWorker();",
      "",
    ),
  },
  {
    name: "records are released before ws has sent them",
    scenario: "messages sent",
    broken: "records are released before ws has sent them",
  },
  {
    name: "a caller that waits for room for a message is not woken",
    scenario: "messages sent",
    edits: edit(MESSAGES_OUT, "this.#slot.roomMade();", ""),
  },
  {
    name: "a caller is woken before a batch is released",
    scenario: "messages sent",
    edits: edit(
      MESSAGES_OUT,
      "this.#records.release(bytes); this.#slot.link.onActivity(bytes); this.#slot.roomMade();",
      "this.#slot.roomMade(); this.#records.release(bytes);",
    ),
  },
  {
    name: "what was written during a batch is not sent after it",
    scenario: "messages sent",
    edits: edit(MESSAGES_OUT, "this.pump(); this.#onSent();", "this.#onSent();"),
  },
  {
    name: "the record behind a batch is skipped",
    scenario: "messages sent",
    edits: edit(MESSAGES_OUT, "this.#stepped ||= this.#records.next();", "this.#stepped = this.#records.next();"),
  },
  {
    name: "a close is taken for a message",
    scenario: "messages sent",
    edits: edit(MESSAGES_OUT, "if (!this.#stepped || isClose(records.port))", "if (!this.#stepped)"),
  },
  {
    name: "the pieces of a message are not marked as continued",
    scenario: "messages sent",
    edits: edit(
      "websocket/outgoing-messages",
      "rest.bytes.length === 0 ? rest.kind : rest.kind | CONTINUED",
      "rest.kind",
    ),
  },
  {
    name: "a message overtakes the rest of one before it",
    scenario: "messages sent",
    edits: edit(
      "websocket/outgoing-messages",
      "if (!this.sendRest() || !this.hasRoom(bytes.length)) return false;",
      "if (this.#rings.send.free < bytes.length + 18) return false;",
    ),
  },
  {
    name: "no room is kept for the close",
    scenario: "messages sent",
    edits: edit("ring/message-record", "RECORD_HEADER_BYTES + 2 + MAX_REASON_BYTES", "0"),
  },
];
