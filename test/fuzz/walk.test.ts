/**
 * A random walk over the API next to a simple model of it; see programs/walk.js. Each run has other seeds, which are
 * printed when one fails.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";
import { selfSigned } from "../tls/support/certificates.js";

const STEPS = 3000;
const WALKS = 6;

test(`${WALKS} walks of ${STEPS} steps: every result of calls in random order matches the model`, () => {
  const peer = startPeer("echo", { hash: false });
  const identity = JSON.stringify(selfSigned("localhost"));
  let verified = 0;
  let secured = 0;
  const asides = new Set<string>();
  for (let walk = 0; walk < WALKS; walk++) {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const args = [
      join(root, "test/fuzz/programs/walk.js"),
      `${STEPS}`,
      `${seed}`,
      `${peer.port}`,
      identity,
      temporaryFolder(),
    ];
    const running = new Process(process.execPath, args, { env: { NODE_OPTIONS: undefined } });
    const [line] = running.waitForOutput(/^\{"event":"done".*$/m, 60_000);
    const done = JSON.parse(line);
    verified += done.verified;
    secured += done.secured;
    for (const name of Object.keys(done.asides)) asides.add(name);
  }
  console.log(`${WALKS * STEPS} steps, ${verified} bytes verified, TLS started ${secured} times`);
  expect(secured).toBeGreaterThan(2);
  expect([...asides].sort()).toEqual([
    "bound",
    "cancelled",
    "datagrams",
    "http",
    "input",
    "options",
    "reverse",
    "webSocket",
  ]);
  expect(verified).toBeGreaterThan(WALKS * 100_000);
}, 180_000);
