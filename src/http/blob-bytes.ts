/**
 * Reads Blobs synchronously. Their public calls are asynchronous; Node's internal reader of a Blob in memory calls back
 * immediately. Where there is none, another thread awaits the contents.
 *
 * Runs on the calling thread.
 */

import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type Deadline, NetError } from "../main/index.js";

/** The most time for a thread to start, in ms: one that can't start reports nothing. */
const START_MS = 20_000;

const [STARTED, DONE] = [1, 2];

// In single quotes: the package's own build replaces calls of require with double ones.
const PROGRAM = `
  const { workerData } = require('node:worker_threads');
  const { blob, progress, port } = workerData;
  const report = (state) => {
    Atomics.store(progress, 0, state); // partner: readInThread
    Atomics.notify(progress, 0); // partner: readInThread
  };
  report(${STARTED});
  blob.arrayBuffer().then((bytes) => ({ bytes }), (error) => ({ error: String(error) })).then((outcome) => {
    port.postMessage(outcome);
    report(${DONE});
  });
`;

/** Bytes of which some are in Blobs. */
export class BlobBytes {
  readonly length: number;
  readonly #parts: readonly (Uint8Array | Blob)[];

  constructor(parts: readonly (Uint8Array | Blob)[]) {
    this.#parts = parts;
    this.length = parts.reduce((sum, part) => sum + (part instanceof Blob ? part.size : part.length), 0);
  }

  /**
   * Reads all. Throws a `TypeError` for a Blob of a file on Node. Without Node's reader it blocks about 30 ms for each
   * Blob, and throws a `NetError`: `ETIMEDOUT` at the deadline, `ERR_HTTP_BLOB` if one can't be read.
   */
  read(deadline: Deadline): Uint8Array {
    const pieces = this.#parts.map((part) =>
      part instanceof Blob ? (readNow(part) ?? readInThread(part, deadline)) : part,
    );
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }
}

/** What Node keeps in a Blob. `pull` calls back with 0 at the end, less for an error, more for a piece. */
interface Handle {
  getReader?(): { pull(callback: (status: number, piece?: ArrayBuffer) => void): void };
}

/** Reads a Blob in memory; null if this runtime has no such reader. */
function readNow(blob: Blob): Uint8Array | null {
  const key = Object.getOwnPropertySymbols(blob).find(({ description }) => description === "kHandle");
  const reader = key && (blob as unknown as Record<symbol, Handle>)[key]?.getReader?.();
  if (reader === undefined) return null;
  const pieces: Uint8Array[] = [];
  for (let status = 1; status > 0; ) {
    status = -1;
    reader.pull((now, piece) => {
      status = now;
      if (piece !== undefined) pieces.push(new Uint8Array(piece));
    });
    // Node reads files in the event loop, and crashes if another thread reads a Blob of this one's files.
    if (status < 0)
      throw new TypeError("a Blob of a file can't be a body, as it can't be read synchronously: read the file");
  }
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

function readInThread(blob: Blob, deadline: Deadline): Uint8Array {
  if (blob.size === 0) return new Uint8Array(0);
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: { blob, progress, port: port2 },
    transferList: [port2],
  });
  worker.unref();
  Atomics.wait(progress, 0, 0, Math.min(deadline.left, START_MS)); // partner: readInThread (PROGRAM, in the worker)
  const started = Atomics.load(progress, 0) === STARTED; // partner: readInThread (PROGRAM, in the worker)
  if (started) Atomics.wait(progress, 0, STARTED, deadline.left); // partner: readInThread (PROGRAM, in the worker)
  const outcome = receiveMessageOnPort(port1)?.message as { bytes?: ArrayBuffer; error?: string } | undefined;
  port1.close();
  void worker.terminate();
  if (outcome?.bytes !== undefined) return new Uint8Array(outcome.bytes);
  if (outcome === undefined && deadline.expired) {
    const message = `the request timed out after ${deadline.timeout} ms, reading a Blob of its body`;
    throw new NetError({ code: "ETIMEDOUT", message });
  }
  const reason = outcome?.error ?? `its thread did not start within ${START_MS} ms`;
  throw new NetError({ code: "ERR_HTTP_BLOB", message: `a Blob of the body can't be read: ${reason}` });
}
