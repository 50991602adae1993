/**
 * The Workers that were started since this module was loaded: the tests terminate a networking thread through its
 * Worker. Import this before the package.
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
