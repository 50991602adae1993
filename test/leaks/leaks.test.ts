/**
 * Nothing leaks: descriptors, threads, slots, arenas and memory come back. The full counts are `node test/leaks/run.js`.
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { startNodeServer } from "../http/support/servers.js";
import { startPeer } from "../support/peers.js";
import { node, Process, root } from "../support/processes.js";
import { selfSigned } from "../tls/support/certificates.js";
import { complaints, ENVIRONMENT, PROGRAMS } from "./verdict.js";

function portOf(peer: string): number {
  if (peer === "none") return 0;
  if (peer === "udp") {
    const echo = new Process(node, [join(root, "test/faults/datagram-echo.js"), "127.0.0.1"]);
    return Number(echo.waitForOutput(/port (\d+)/)[1]);
  }
  if (peer === "tunnel") {
    const tunnel = new Process(node, [
      join(root, "test/leaks/tunnel-peer.js"),
      JSON.stringify(selfSigned("localhost")),
    ]);
    return Number(tunnel.waitForOutput(/^(\d+)\n/)[1]);
  }
  if (peer === "http") return startNodeServer().port;
  const { cert, key } = peer === "tls" ? selfSigned("localhost") : { cert: "", key: "" };
  return startPeer("echo", { hash: false, ...(peer === "tls" ? { tls: { cert, key } } : {}) }).port;
}

test.each(PROGRAMS)(
  "$name: $quick of them leak nothing",
  ({ program, quick, peer, mode }) => {
    const args = [`${quick}`, `${portOf(peer)}`, mode ?? peer];
    const running = new Process(
      process.execPath,
      ["--expose-gc", join(root, "test/leaks/programs", program), ...args],
      { env: { NODE_OPTIONS: undefined, ...ENVIRONMENT } },
    );
    const [line] = running.waitForOutput(/^\{"before".*\}$/m, 60_000);
    const accounts = JSON.parse(line);
    expect(complaints(accounts), line).toEqual([]);
    expect(accounts.count).toBe(quick);
    if (program === "forgotten.js") expect(accounts.forgotten).toBeGreaterThanOrEqual(quick);
    if (program === "datagrams.js") expect(accounts.received).toBeGreaterThan(quick / 100); // loopback loses some
    running.waitForExit();
  },
  80_000,
);
