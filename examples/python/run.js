/**
 * Runs a Python program with blocking sockets, in Pyodide. `npm install ringnet pyodide`, then
 *
 *   node examples/python/run.js fetch.py http://localhost:8000
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { loadPyodide } from "pyodide";
import { withSockets } from "ringnet/wasm";

const folder = dirname(fileURLToPath(import.meta.url));
const [program = "fetch.py", ...args] = process.argv.slice(2);

const pyodide = await withSockets(() => loadPyodide(), { FS: (loaded) => loaded.FS });
pyodide.mountNodeFS("/program", folder);
pyodide.globals.set("arguments", pyodide.toPy([program, ...args]));
try {
  pyodide.runPython(`
import runpy, sys
sys.argv = arguments
sys.path.insert(0, "/program")
runpy.run_path("/program/" + sys.argv[0], run_name="__main__")
`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
