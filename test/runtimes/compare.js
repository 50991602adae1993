/** A run of the suite beside the list of what is known to differ on this runtime. */

/**
 * @param run what vitest's JSON reporter wrote
 * @param expected `differences`: what differs, and the tests that show it, as "file: title"; `sometimes` on a
 * difference: its tests may also pass. A listed test that its file does not have counts as one that passes
 * @param nameOf gives a file's path as the list has it
 */
export function compare(run, expected, nameOf) {
  const listed = new Map(expected.differences.flatMap((each) => each.tests.map((test) => [test, each])));
  const report = { passed: 0, differ: 0, unexpected: [], mended: [] };
  const failed = (test, message) => {
    if (listed.has(test)) report.differ++;
    else report.unexpected.push({ test, message });
  };
  for (const file of run.testResults) {
    const path = nameOf(file.name);
    // A file that could not be loaded, or whose hooks failed, has failed without a test, or with the file's own message.
    if (file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed")) {
      failed(path, file.message ?? "");
    }
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      const test = `${path}: ${fullName}`;
      if (status === "failed") failed(test, failureMessages.join("\n"));
      if (status !== "passed") continue;
      report.passed++;
      if (listed.has(test) && listed.get(test).sometimes !== true) report.mended.push(test);
    }
  }
  const files = run.testResults.filter(({ assertionResults }) => assertionResults.length > 0);
  const found = new Set(
    files.flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ fullName }) => `${nameOf(name)}: ${fullName}`),
    ),
  );
  const wasRun = (test) => files.some(({ name }) => test.startsWith(`${nameOf(name)}: `));
  report.mended.push(...[...listed.keys()].filter((test) => wasRun(test) && !found.has(test)));
  return report;
}
