/**
 * Ports that are free at the moment.
 */

import { execFileSync } from "node:child_process";

/** A TCP port of `host` that nobody listens on. Found in another process, because listening needs an event loop. */
export function closedPort(host = "127.0.0.1"): number {
  const program = `require("net").createServer().listen(0, ${JSON.stringify(host)}, function () { console.log(this.address().port); this.close(); })`;
  const env = { ...process.env, NODE_OPTIONS: "" };
  return Number(execFileSync(process.execPath, ["-e", program], { env, encoding: "utf8", timeout: 10_000 }));
}
