/**
 * The threads that were started since this was loaded: terminating a networking thread takes its Worker. To be
 * imported before the package is.
 */

import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

export const workers = [];

const Worker = threads.Worker;
threads.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    workers.push(this);
  }
};
syncBuiltinESMExports();
