/** A run of the suite beside the list of what is known to differ on this runtime. */

/**
 * @param results of each file, as results.js reads them
 * @param differences what differs, and the tests that show it, as "file: title", or a file that can't be loaded; `sometimes` on a
 * difference: its tests pass in some runs, so passing is not worth a mention
 * @param nameOf gives a file's path as the list has it
 * @returns `passed` and `differ`, counts; `failed`, with a message each, those that are not listed; `outdated`, the listed tests that pass, or
 * are not in their file
 */
export function compare(results, differences, nameOf) {
  const listed = new Map(differences.flatMap((each) => each.tests.map((test) => [test, each])));
  const found = { passed: 0, differ: 0, failed: [], outdated: [] };
  const fails = (test, message) => {
    if (listed.has(test)) found.differ++;
    else found.failed.push({ test, message });
  };
  const seen = new Set();
  const ended = [];
  for (const { file, failed, message, tests } of results) {
    const path = nameOf(file);
    const failing = tests.filter(({ state }) => state === "failed");
    // Its hooks failed, or it could not be loaded, or did not end.
    if (failed && failing.length === 0) fails(path, message);
    for (const each of failing) fails(`${path}: ${each.title}`, each.message);
    for (const { title } of tests.filter(({ state }) => state === "passed")) {
      found.passed++;
      const test = `${path}: ${title}`;
      if (listed.has(test) && listed.get(test).sometimes !== true) found.outdated.push(test);
    }
    for (const { title } of tests) seen.add(`${path}: ${title}`);
    if (tests.length > 0) ended.push(path);
  }
  const wasRun = (test) => ended.some((path) => test.startsWith(`${path}: `));
  found.outdated.push(...[...listed.keys()].filter((test) => wasRun(test) && !seen.has(test)));
  return found;
}
