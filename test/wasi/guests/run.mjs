/** Runs a transpiled component's `wasi:cli/run` with the rest of the arguments: `run.mjs component.js arguments…`. */

import { pathToFileURL } from "node:url";

process.argv.splice(1, 1);
const { run } = await import(pathToFileURL(process.argv[1]).href);
run.run();
