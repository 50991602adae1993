/**
 * The entry point of a networking thread.
 *
 * Runs on the networking thread. The build bundles this file and all that it imports into one string
 * (packaging/networking-thread.js).
 */

import { workerData } from "node:worker_threads";
import boot from "./boot.js";

void boot(workerData);
