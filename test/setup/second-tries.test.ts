/**
 * The reporter of second tries, in a run of vitest of its own.
 */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { root } from "../support/processes.js";
import { record } from "./second-tries-record.js";

/** Runs flaky.fixture.ts with one retry and a record in `folder`. */
function run(folder: string): { code: number | null; output: string } {
  const config = join(folder, "vitest.config.mjs");
  const reporter = join(root, "test/setup/second-tries.ts");
  const settings = {
    root,
    test: {
      include: ["test/setup/programs/flaky.fixture.ts"],
      retry: 1,
      reporters: [
        ["dot", {}],
        [reporter, { path: join(folder, "record.json") }],
      ],
    },
  };
  writeFileSync(config, `export default ${JSON.stringify(settings)};`);
  const args = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", config];
  const env = { ...process.env, NO_COLOR: "1", VITEST: undefined, VITEST_WORKER_ID: undefined };
  const done = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 60_000, env });
  return { code: done.status, output: done.stdout + done.stderr };
}

const TITLE = "test/setup/programs/flaky.fixture.ts: passes at the second try";

test("the first second try of a test is listed and passes the run; the next fails it", () => {
  const folder = temporaryFolder();
  const first = run(folder);
  expect(first.output).toContain(`passed only at the second try:\n  ${TITLE}\n`);
  expect(first.output).not.toContain("passes at once");
  expect(first.code).toBe(0);
  const second = run(folder);
  expect(second.output).toContain("not for the first time");
  expect(second.code).toBe(1);
  expect(JSON.parse(readFileSync(join(folder, "record.json"), "utf8"))[TITLE]).toHaveLength(2);
}, 120_000);

test("a test without an earlier second try does not fail the run", () => {
  expect(record({ a: ["1"] }, ["b"], "2")).toEqual([{ a: ["1"], b: ["2"] }, []]);
  expect(record({ a: ["1"] }, ["a"], "2")).toEqual([{ a: ["1", "2"] }, ["a"]]);
});
