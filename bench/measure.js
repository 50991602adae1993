/** One load by one contender, in a fresh process: `node measure.js LOAD CONTENDER RUN`. Prints the result as JSON. */
import { writeSync } from "node:fs";

const [load, contender, run = "{}"] = process.argv.slice(2);

/** @param {unknown} value */
const print = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

/** @type {[{ default: import("./contenders/contract.js").Load }, { default: any }]} */
const [{ default: measured }, { default: measuring }] = await Promise.all([
  import(`./loads/${load}.js`),
  import(`./contenders/${contender}.js`),
]);
const parameters = { ...JSON.parse(run), ready: (/** @type {number} */ port) => print({ ready: port }) };
print(await measured[/** @type {"blocking" | "events"} */ (measuring.kind)](parameters, measuring));
process.exit(0);
