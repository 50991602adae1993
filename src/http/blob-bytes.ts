/**
 * Reads a Blob synchronously: Node reads it only with a promise, so another thread awaits it.
 *
 * Runs on the calling thread.
 */

import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";

/** The timeout for reading, in ms. */
const LIMIT = 20_000;

// In single quotes: the package's own build replaces calls of require with double ones.
const PROGRAM = `
  const { workerData } = require('node:worker_threads');
  const { blob, done, port } = workerData;
  blob.arrayBuffer().then((bytes) => ({ bytes }), (error) => ({ error: String(error) })).then((outcome) => {
    port.postMessage(outcome);
    Atomics.store(done, 0, 1); // partner: blobBytes
    Atomics.notify(done, 0); // partner: blobBytes
  });
`;

/** Blocks until the bytes are read: about 30 ms, because a thread is started for it. */
export function blobBytes(blob: Blob): Uint8Array {
  if (blob.size === 0) return new Uint8Array(0);
  const done = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: { blob, done, port: port2 },
    transferList: [port2],
  });
  worker.unref();
  Atomics.wait(done, 0, 0, LIMIT); // partner: blobBytes (PROGRAM, which runs in the worker)
  const outcome = receiveMessageOnPort(port1)?.message as { bytes?: ArrayBuffer; error?: string } | undefined;
  port1.close();
  void worker.terminate();
  if (outcome?.bytes === undefined) throw new Error(`the Blob can't be read: ${outcome?.error ?? "no answer"}`);
  return new Uint8Array(outcome.bytes);
}
