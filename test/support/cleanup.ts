/**
 * Runs before each test file: processes that a test starts end with the test, the file's own end with the file.
 */

import { afterAll, afterEach, beforeEach } from "vitest";
import { removeFolders } from "./folders.js";
import { killSince, runningCount } from "./processes.js";
import { killResting } from "./resting.js";

let before = 0;

beforeEach(() => {
  before = runningCount();
});

afterEach(() => {
  killSince(before);
});

afterAll(() => {
  killSince(0);
  killResting();
  removeFolders();
});
