/**
 * A thread of the stress runs: plays the given part, and replies with the outcome.
 *
 * Test code.
 */

import { parentPort } from "node:worker_threads";
import { consumeBytes, produceBytes } from "./byte-ends.js";
import { answerDoorbell, askDoorbell } from "./doorbell-ends.js";
import { consumeUnderFlowControl, produceUnderFlowControl } from "./flow-ends.js";
import { consumeRecords, produceRecords } from "./record-ends.js";
import { consumeSwarm, produceSwarm } from "./swarm-ends.js";

const PARTS = {
  "bytes consumer": consumeBytes,
  "bytes producer": produceBytes,
  "doorbell caller": askDoorbell,
  "doorbell worker": answerDoorbell,
  "records consumer": consumeRecords,
  "records producer": produceRecords,
  "flow consumer": consumeUnderFlowControl,
  "flow producer": produceUnderFlowControl,
  "swarm consumer": consumeSwarm,
  "swarm producer": produceSwarm,
};

parentPort.on("message", async ({ part, shared }) => {
  try {
    parentPort.postMessage({ figures: await PARTS[part](shared) });
  } catch (error) {
    parentPort.postMessage({ error: `${part}: ${error.stack}` });
  }
});
