/**
 * Runs before each test file: whatever a test starts ends with it, whatever a file starts ends with the file.
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
