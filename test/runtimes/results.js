/**
 * A reporter of vitest that writes the results of each file when it has ended, a line of JSON each, into the file that RINGNET_RESULTS names:
 * they are there also when the runtime crashes or hangs later. The first line lists the files of the run.
 *
 * Runs in the runner's own process, on the runtime under test.
 */

import { appendFileSync, readFileSync } from "node:fs";

export default class ResultsReporter {
  onTestRunStart(specifications) {
    write(specifications.map(({ moduleId }) => moduleId));
  }

  onTestModuleEnd(module) {
    const tests = [...module.children.allTests()].map((test) => {
      const { state, errors } = test.result();
      return { title: titleOf(test), state, message: textOf(errors) };
    });
    const suites = [...module.children.allSuites()];
    const message = textOf([module, ...suites].flatMap((each) => each.errors()));
    write({ file: module.moduleId, failed: !module.ok(), message, tests });
  }
}

/**
 * What the reporter wrote: a result for each file of the run, whose `failed` and `message` say so if it did not end.
 *
 * @param {string} path
 */
export function readResults(path) {
  const [files, ...results] = readFileSync(path, "utf8").trim().split("\n").map(JSON.parse);
  const ended = new Map(results.filter(hasEnded).map((result) => [result.file, result]));
  return files.map((file) => ended.get(file) ?? { file, failed: true, message: DID_NOT_END, tests: [] });
}

const DID_NOT_END = "the runtime crashed or hung while it ran this file, or before that";

const hasEnded = ({ failed, tests }) => (failed || tests.length > 0) && tests.every(({ state }) => state !== "pending");

function write(line) {
  appendFileSync(process.env.RINGNET_RESULTS, `${JSON.stringify(line)}\n`);
}

function titleOf(test) {
  const names = [];
  for (let each = test; each.type !== "module"; each = each.parent) names.unshift(each.name);
  return names.join(" ");
}

function textOf(errors = []) {
  return errors.map(({ stack, message }) => stack ?? message).join("\n");
}
