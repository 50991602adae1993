/**
 * WebSockets: ringnet beside asynchronous `ws`, against a server of `ws` in another process. `node bench/websocket/run.js [rounds]`, after
 * `npm run build`.
 *
 * Each contender gets a fresh process in rounds, A B A B …; what counts is the median of the rounds. Loads: `echo`, µs for 64 bytes there and back;
 * `flood`, thousands of messages of 100 bytes a second; `large`, GB/s of messages of 1 MB from the server.
 */

import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const rounds = Number(process.argv[2] ?? 5);
const loads = { echo: "µs", flood: "k/s", large: "GB/s" };
const contenders = ["ringnet", "ws"];

const server = spawn(process.execPath, [file("server.js")], { stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((resolve) =>
  server.stdout.once("data", (data) => resolve(`${JSON.parse(String(data)).port}`)),
);

for (const [load, unit] of Object.entries(loads)) {
  /** @type {Record<string, number[]>} */
  const results = Object.fromEntries(contenders.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of contenders) {
      const { stdout, stderr } = spawnSync(process.execPath, [file(`${name}.js`), load, port], {
        encoding: "utf8",
        timeout: 60_000,
      });
      if (stdout === "") throw new Error(`${name} ${load}: ${stderr}`);
      results[name]?.push(Number(stdout));
    }
  }
  const [ours = 0, theirs = 0] = contenders.map((name) => results[name]?.sort((a, b) => a - b)[rounds >> 1] ?? 0);
  const text = `ringnet ${ours.toFixed(2)} ${unit}, async ws ${theirs.toFixed(2)} ${unit}, ratio ${(ours / theirs).toFixed(2)}`;
  console.log(`${load.padEnd(6)} ${text}`);
}
server.kill();
