/**
 * A worker thread that runs functions for a test: they arrive as source text, run here to their end, and what they
 * return (or throw) goes back. Started by `startThread` in threads.ts. Each call gets the package, an object that lasts
 * as long as the thread, and its argument.
 */

import { workerData } from "node:worker_threads";
import * as ringnet from "ringnet";

const { port } = workerData;
const state = {};

port.on("message", async ({ source, argument }) => {
  try {
    const call = new Function(`return (${source});`)();
    port.postMessage({ value: await call(ringnet, state, argument) });
  } catch (error) {
    const { name, code, message } = error;
    port.postMessage({ error: { name, code, message } });
  }
});
