/**
 * Hostile arguments for every public call. Each run has another seed, which is part of what is printed when one fails.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";

test("only TypeErrors, RangeErrors, NetErrors and the caller's own errors come out, and nothing hangs", () => {
  const RUNS = 200;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const peer = startPeer("echo", { hash: false });
  const program = join(root, "test/fuzz/programs/arguments.js");
  const args = [program, `${RUNS}`, `${seed}`, `${peer.port}`, temporaryFolder()];
  const running = new Process(process.execPath, args, { env: { NODE_OPTIONS: undefined } });
  const [line] = running.waitForOutput(/^\{"event":"done".*$/m, 80_000);
  const { thrown, returned, longest, works } = JSON.parse(line);
  expect(works).toBe(true);
  expect(thrown + returned).toBeGreaterThan(20 * RUNS);
  expect(longest).toBeLessThan(4000);
  const calls = running.output.match(/^\{"call"/gm)?.length;
  console.log(`${thrown + returned} calls of ${calls} kinds, ${thrown} of them threw; seed ${seed}`);
}, 100_000);
