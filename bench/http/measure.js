/** One load by one contender, in a fresh process: `node measure.js LOAD CONTENDER RUN`. Prints the result as JSON. */
import { writeSync } from "node:fs";
import { loads } from "./loads.js";

const [name, contender, run = "{}"] = process.argv.slice(2);
const load = /** @type {import("./contract.js").HttpLoad} */ (loads.find((one) => one.name === name));

const start = performance.now();
/** @type {{ default: import("./contract.js").HttpContender }} */
const { default: measured } = await import(`./contenders/${contender}.js`);
const result = await load.measure(measured, JSON.parse(run));
if (load.cold) result.import = (performance.now() - start) / 1000;
writeSync(1, `${JSON.stringify(result)}\n`);
process.exit(0);
