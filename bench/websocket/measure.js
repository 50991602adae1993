/** One load by one contender, in a fresh process: `node measure.js LOAD CONTENDER URL SECONDS`. Prints the result as JSON. */
import { writeSync } from "node:fs";
import { loads } from "./loads.js";

const [name, contender, url = "", seconds] = process.argv.slice(2);
const load = /** @type {import("./loads.js").WebSocketLoad} */ (loads.find((one) => one.name === name));
/** @type {{ default: import("./loads.js").WebSocketContender }} */
const { default: measured } = await import(`./${contender}.js`);
await measured.open(url);
writeSync(1, `${JSON.stringify(await load.measure(measured, Number(seconds)))}\n`);
process.exit(0);
