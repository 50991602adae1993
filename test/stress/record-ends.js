/**
 * The two ends of a record ring under stress. Both ends draw the same hosts, ports and lengths.
 *
 * Test code.
 */

import { ByteConsumer, ByteProducer } from "../../build/ring/byte-ring.js";
import { RecordConsumer, RecordProducer } from "../../build/ring/record-ring.js";
import { SignalWaker } from "../../build/ring/signal.js";
import { checkStream, randomNumbers, streamAt } from "./stream.js";
import { Waiting } from "./waiting.js";

const NAME = 1;
const HOSTS = ["", "127.0.0.1", "2001:db8::17", "a-name.of-a.host-that.is-long.example"];
/** Records that a consumer holds at most before it releases the oldest. */
const HELD = 8;

/** Draws the next record: the payload is at most a quarter of the ring, so that several fit. */
function nextRecords(seed, capacity) {
  const random = randomNumbers(seed);
  return () => {
    const longest = random(4) === 0 ? capacity >> 2 : Math.min(64, capacity >> 2);
    return { host: HOSTS[random(HOSTS.length)], port: random(65536), length: random(longest + 1) };
  };
}

export function produceRecords({ words, bytes, producerBlock, consumerBlock, total, seed }) {
  const random = randomNumbers(seed + 1);
  const next = nextRecords(seed, bytes.length);
  const records = new RecordProducer(new ByteProducer(words, 0, 16, bytes));
  const waker = new SignalWaker(consumerBlock);
  const waiting = new Waiting(producerBlock, random);
  for (let sent = 0; sent < total; ) {
    const { host, port, length } = next();
    const payload = streamAt(sent, length);
    waiting.until(NAME, () => records.write(host, port, payload));
    waker.wakeWaiting(NAME);
    sent += length;
  }
  return { sleeps: waiting.sleeps, vain: waiting.vain };
}

export function consumeRecords({ words, bytes, producerBlock, consumerBlock, total, seed }) {
  const random = randomNumbers(seed + 2);
  const next = nextRecords(seed, bytes.length);
  const records = new RecordConsumer(new ByteConsumer(words, 0, 16, bytes));
  const waker = new SignalWaker(producerBlock);
  const waiting = new Waiting(consumerBlock, random);
  const held = [];
  const release = () => {
    records.release(held.shift());
    waker.wakeWaiting(NAME);
  };
  let received = 0;
  const check = () => {
    const { host, port, length } = next();
    const reported = `${records.host} ${records.port} ${records.payloadLength}`;
    if (reported !== `${host} ${port} ${length}`)
      throw new Error(`got the record ${reported}, not ${host} ${port} ${length}`);
    let payload = records.payloadView();
    if (payload === null) {
      payload = new Uint8Array(length);
      records.copyPayload(payload);
    }
    checkStream(payload, received);
    held.push(records.recordLength);
    received += length;
  };
  while (received < total) {
    while (held.length > random(HELD)) release();
    // The producer may wait for the records held here: all are released before this thread blocks.
    if (!records.next()) {
      while (held.length > 0) release();
      waiting.until(NAME, () => records.next());
    }
    check();
  }
  while (held.length > 0) release();
  return { sleeps: waiting.sleeps, vain: waiting.vain };
}
