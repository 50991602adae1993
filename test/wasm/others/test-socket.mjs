/**
 * CPython's own test_socket in Pyodide with this package's sockets: `node test/wasm/others/test-socket.mjs <folder>`, where the folder is `Lib`
 * of CPython's sources, of about Pyodide's version (an installed Python's `lib/python3.x` will do). Prints a line for each test that did not
 * pass, and the counts. docs/ported-suites.md has the results.
 */

import { join } from "node:path";
import { loadPyodide } from "pyodide";
import { withSockets } from "ringnet/wasm";

const [lib] = process.argv.slice(2);
const pyodide = await withSockets(() => loadPyodide(), { FS: (loaded) => loaded.FS });
pyodide.FS.mkdirTree("/suite/test");
pyodide.mountNodeFS("/suite/test", join(lib, "test"));
pyodide.runPython(`
import faulthandler, sys, unittest
sys.path.insert(0, "/suite")
faulthandler.dump_traceback_later = lambda *args, **named: None
import test.support
# The suite takes for granted that emscripten has no sockets, and skips all.
test.support.has_socket_support = True
import test.test_socket as suite

counts = {"passed": 0, "failed": 0, "skipped": 0}
class Result(unittest.TestResult):
    def note(self, kind, test, why):
        counts[kind] += 1
        if kind != "passed":
            print(kind, test.id().removeprefix("test.test_socket."), why.strip().split("\\n")[-1], sep="\\t", flush=True)
    def startTest(self, test):
        print("…", test.id(), file=sys.stderr, flush=True)
        super().startTest(test)
    def addSuccess(self, test):
        self.note("passed", test, "")
    def addSkip(self, test, reason):
        self.note("skipped", test, reason)
    def addExpectedFailure(self, test, error):
        self.note("passed", test, "")
    def addFailure(self, test, error):
        self.note("failed", test, self._exc_info_to_string(error, test))
    addError = addFailure

unittest.defaultTestLoader.loadTestsFromModule(suite).run(Result())
print(counts)
`);
process.exit(0);
