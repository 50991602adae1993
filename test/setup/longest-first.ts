/**
 * The order of the test files: the longest first, so that none of them still runs alone when all others have ended.
 *
 * Vitest orders files by the times of an earlier run, which `npm ci` removes. Runs in the runner's own process.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take ten seconds or more on two cores, the longest first. */
const LONG = [
  "leaks/leaks",
  "life/exit",
  "tcp/echo-file",
  "death/death",
  "faults/bad-weather",
  "explore/faults",
  "life/other-threads",
  "runtime/detach",
  "tcp/waiting",
  "command/command",
  "faults/crowds",
  "life/failure",
  "runtime/hardened-places",
  "tcp/writing",
  "websocket/client",
  "soak/soak",
  "examples/api-page",
  "tls/resets",
  "pool/serve-pool",
  "websocket/closing",
  "stress/stress",
  "tls/restrictions",
  "http/timeouts",
  "faults/slow-peers",
  "fuzz/walk",
  "tls/server",
  "ported/luasocket-timeouts",
].map((name) => fileURLToPath(new URL(`../${name}.test.ts`, import.meta.url)));

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = LONG.filter((file) => !existsSync(file));
    if (gone.length > 0)
      throw new Error(`test/setup/longest-first.ts lists files that are not there: ${gone.join(", ")}`);
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONG.indexOf(moduleId);
      return found === -1 ? LONG.length : found;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
