/**
 * Ports that are free at the moment.
 */

import { execFileSync } from "node:child_process";
import { node } from "./processes.js";

/**
 * Ports below those that systems hand out by themselves (Linux: from 32768), so that no other connection takes one
 * before the test does; and all held at once while they are looked for, so that they differ.
 */
const PROGRAM = `
  const [host, count] = process.argv.slice(1);
  const taken = [];
  function take() {
    if (taken.length === Number(count)) {
      console.log(JSON.stringify(taken.map((server) => server.address().port)));
      for (const server of taken) server.close();
      return;
    }
    const server = require("net").createServer();
    server.once("error", (error) => {
      if (error.code !== "EADDRINUSE") throw error;
      take();
    });
    server.listen(20_000 + Math.floor(Math.random() * 10_000), host, () => taken.push(server) && take());
  }
  take();
`;

/** TCP ports of `host` without a listener. Found in another process, because listening needs an event loop. */
export function closedPorts(count: number, host = "127.0.0.1"): number[] {
  const env = { ...process.env, NODE_OPTIONS: "" };
  const args = ["-e", PROGRAM, host, String(count)];
  return JSON.parse(execFileSync(node, args, { env, encoding: "utf8", timeout: 10_000 }));
}

/** One such port. */
export function closedPort(host?: string): number {
  return closedPorts(1, host)[0] as number;
}
