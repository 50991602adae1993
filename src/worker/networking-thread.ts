/**
 * Where a networking thread begins: boots with what it was started with.
 *
 * Runs on the networking thread. The build makes one text of this file and all that it imports (packaging/networking-thread.js).
 */

import { workerData } from "node:worker_threads";
import boot from "./boot.js";

void boot(workerData);
