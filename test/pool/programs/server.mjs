/**
 * A pool's server: `node server.mjs '{"threads": 2}'`. It prints its port, what `onError` gets, and, for each line on its standard input,
 * the figures; "close 1000" closes it.
 */

import { createInterface } from "node:readline";
import { servePool } from "ringnet/pool";

const server = await servePool({
  host: "127.0.0.1",
  handler: new URL("./handler.mjs", import.meta.url),
  onError: (error) => console.log(`error ${error.name} ${error.code} ${error.message}`),
  ...JSON.parse(process.argv[2] ?? "{}"),
});
console.log(`port ${server.port}`);
const input = createInterface({ input: process.stdin });
for await (const line of input) {
  if (line.startsWith("close")) {
    await server.close(Number(line.split(" ")[1]));
    console.log("closed");
    process.stdin.destroy();
    break;
  }
  console.log(`figures ${line} ${JSON.stringify(server.figures)}`);
}
