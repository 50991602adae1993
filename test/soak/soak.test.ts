/**
 * A short run of the soak; `npm run soak -- minutes` is the same for any length of time.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { Process, root } from "../support/processes.js";

const SECONDS = 10;

test(`${SECONDS} seconds of a mixed load with random faults: every byte is verified`, () => {
  const args = [join(root, "test/soak/run.js"), `${SECONDS / 60}`];
  const soak = new Process(process.execPath, args, { env: { NODE_OPTIONS: undefined } });
  const [line] = soak.waitForOutput(/^\{"event":.*$/m, SECONDS * 1000 + 120_000);
  soak.waitForExit();
  console.log(line);
  const { event, jobs, bytes, faults, asides } = JSON.parse(line);
  expect(event, `${line}\n${soak.errors}`).toBe("good");
  expect(jobs).toBeGreaterThan(50);
  expect(bytes).toBeGreaterThan(1e6);
  expect(asides).toBeGreaterThanOrEqual(6);
  expect(Object.keys(faults).length).toBeGreaterThan(2);
}, 200_000);
