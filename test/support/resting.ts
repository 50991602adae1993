/**
 * Peers that play one session after another (session.js): when a test ends its peers rest, and the next test of the file gets them again.
 *
 * A peer that a test has killed or stopped is not kept, and neither is one with an environment of its own.
 */

import { node, Process, type ProcessOptions } from "./processes.js";
import { waitFor } from "./waiting.js";

/** How long a new session waits for a peer that still closes its last one, in ms; after that, a new process starts. */
const REST_MS = 500;

const resting = new Map<string, Process[]>();

/** A process that runs `script`, a program of session.js, with `options`. */
export function startSession(script: string, options: object, processOptions: ProcessOptions = {}): Process {
  const json = JSON.stringify(options);
  const reusable = Object.keys(processOptions).length === 0;
  const ready = reusable ? rested(script) : undefined;
  if (ready !== undefined) {
    ready.startAgain();
    ready.send(`{"start":${json}}\n`);
    return ready;
  }
  // Settings of the runner or a test for its own process are not for its peers.
  const env = { NODE_OPTIONS: undefined, ...processOptions.env };
  const started = new Process(node, [script, json], { ...processOptions, env });
  if (reusable) started.keep = () => rest(script, started);
  return started;
}

/** Ends the peers that rest. */
export function killResting(): void {
  for (const process of [...resting.values()].flat()) {
    process.kill();
    process.endInput();
  }
  resting.clear();
}

function rest(script: string, process: Process): boolean {
  if (process.signalled || !process.alive) return false;
  process.send('{"rest":true}\n');
  const others = resting.get(script);
  if (others === undefined) resting.set(script, [process]);
  else others.push(process);
  return true;
}

/** A process that has closed everything of its last session. */
function rested(script: string): Process | undefined {
  const waiting = resting.get(script) ?? [];
  const isReady = (process: Process) => process.alive && process.output.endsWith('{"event":"resting"}\n');
  const deadline = performance.now() + REST_MS;
  const none = () => waiting.length === 0 || performance.now() > deadline;
  const ready = waitFor("a peer that rests", () => waiting.find(isReady) ?? none());
  if (ready === true) return undefined;
  waiting.splice(waiting.indexOf(ready), 1);
  return ready;
}

process.on("exit", killResting);
