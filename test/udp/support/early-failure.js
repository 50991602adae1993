/**
 * Three datagrams that wait in libuv, and one behind them that fails at once: `node --test-udp-no-try-send
 * early-failure.js`. Prints how many bytes of the send ring were free when the failure was reported, and how many in
 * the end.
 *
 * The socket of the networking thread runs here, in the main thread, because the order of its callbacks depends on Node's option. The
 * failing record is one that the public API refuses to write: an IPv4 address for a socket that is IPv6 alone.
 */

import { MessageChannel } from "node:worker_threads";
import { ByteProducer } from "../../../build/ring/byte-ring.js";
import {
  CALLER_BLOCK_BYTES,
  FAULT_BYTES,
  FAULT_TEXT,
  LINK_BLOCK_BYTES,
  PENDING_ERRORS,
  SLOT_BYTES,
  SLOT_WORDS,
  TX_READ,
  TX_WRITE,
} from "../../../build/ring/layout.js";
import { RecordProducer } from "../../../build/ring/record-ring.js";
import { CallerLink } from "../../../build/worker/caller-link.js";
import { DatagramSocket } from "../../../build/worker/datagram-socket.js";
import { Resolver } from "../../../build/worker/resolver.js";

const RING = 131_072;
const { port1, port2 } = new MessageChannel();
const callerBlock = new SharedArrayBuffer(CALLER_BLOCK_BYTES);
const link = new CallerLink(callerBlock, new SharedArrayBuffer(LINK_BLOCK_BYTES), port1, () => {});
const memory = new SharedArrayBuffer(SLOT_BYTES + 2 * RING + FAULT_TEXT + FAULT_BYTES);
const words = new Int32Array(memory, 0, SLOT_WORDS);
const send = { memory, offset: SLOT_BYTES, capacity: RING };
const receive = { memory, offset: SLOT_BYTES + RING, capacity: RING };
const slot = { handleId: 1, memory, offset: 0 };
const bind = { type: "bind", slot, rings: { send, receive }, host: "::1", port: 0, family: 6 };
const options = { ipv6Only: true, reuseAddr: false, broadcast: false };
const socket = new DatagramSocket(link, { ...bind, ...options }, new Resolver(), 1000);
const records = new RecordProducer(
  new ByteProducer(words, TX_WRITE, TX_READ, new Uint8Array(memory, SLOT_BYTES, RING)),
);

port2.on("message", ({ type, port }) => {
  if (type !== "bound") return;
  for (let i = 0; i < 3; i++) records.write("::1", port, Buffer.from("waits"));
  records.write("127.0.0.1", port, Buffer.from("fails at once"));
  socket.service();
  // Behind the callback of the failure, and before the event loop has sent anything.
  process.nextTick(() => {
    const early = { failures: words[PENDING_ERRORS], returned: words[TX_READ] };
    setTimeout(() => {
      const last = { failures: words[PENDING_ERRORS], returned: words[TX_READ] };
      console.log(JSON.stringify({ early, last, written: words[TX_WRITE] }));
      process.exit();
    }, 300);
  });
});
