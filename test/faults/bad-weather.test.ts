/**
 * Lines that lose, delay, reorder and repeat packets, and cables that are pulled: in network namespaces, so the machine's own
 * network is not affected. What the kernel and the user's rights allow is tried first, and printed.
 */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { node, root } from "../support/processes.js";
import { pause } from "../support/waiting.js";
import {
  ADDRESS,
  FORBIDDEN,
  JoinedNetworks,
  type Line,
  probe,
  startPeerIn,
  startProgramIn,
  type Weather,
} from "./networks.js";
import { reportOf } from "./reports.js";

const { networks: able, netem, reason } = probe();
const lines: Line[] = netem ? ["our own line", "netem"] : ["our own line"];

test("what this system is able to do", () => {
  if (able) console.log(`network namespaces: yes; netem: ${netem ? "yes" : "no, only our own bad line"}`);
  else console.log(`NOT TESTED HERE: bad lines and pulled cables, because this system forbids them: ${reason}`);
  if (!able) expect(reason).toMatch(FORBIDDEN);
  else if (!netem) expect(reason).toMatch(/qdisc kind is unknown|not found|not permitted|No such file/);
});

const weathers: [string, Weather][] = [
  ["loses 2 % of the packets", { loss: 0.02, delay: 1 }],
  ["delays them by 40 ms", { delay: 20 }],
  ["lets them overtake each other", { delay: 1, jitter: 4 }],
  ["does all that, and repeats some", { loss: 0.01, delay: 1, jitter: 4, repeat: 0.02 }],
];

describe.each(able ? lines : [])("on %s", (line) => {
  test.each(weathers)(
    "that %s, a megabyte comes back unchanged",
    (_name, weather) => {
      const networks = new JoinedNetworks(weather, line);
      const { a, b } = networks;
      const { port } = startPeerIn(b, "echo");
      const program = startProgramIn(a, "echo-transfer.js", ADDRESS.b, port, 1_000_000);
      const done = reportOf(program, "done", 60_000);
      expect(done).toMatchObject({ received: 1_000_000, rest: 0 });
      if (line === "our own line") expectWeather(networks.statistics(), weather);
    },
    80_000,
  );

  test("with all of these, datagrams are lost, delayed or repeated, but never changed", () => {
    const { a, b } = new JoinedNetworks({ loss: 0.05, delay: 1, jitter: 10, repeat: 0.05 }, line);
    const echo = b.start([node, join(root, "test/faults/datagram-echo.js"), "0.0.0.0"]);
    const port = Number(echo.waitForOutput(/port (\d+)/)[1]);
    const done = reportOf<Record<string, number>>(
      startProgramIn(a, "datagram-transfer.js", ADDRESS.b, port, 2000),
      "done",
      30_000,
    );
    expect(done.received).toBeGreaterThan(1000);
    expect(done.received).toBeLessThan(2000);
    expect(done.repeated).toBeGreaterThan(0);
    expect(done.overtaken).toBeGreaterThan(0);
    expect(done.dropped).toBe(0);
  }, 60_000);
});

describe.each(able ? ["a cable"] : [])("%s", () => {
  test("is pulled and put back: waits time out meanwhile, then the transfer continues without loss", () => {
    const networks = new JoinedNetworks();
    const { a, b } = networks;
    const { port } = startPeerIn(b, "echo");
    const program = startProgramIn(a, "echo-transfer.js", ADDRESS.b, port, 50_000_000);
    reportOf(program, "half");
    networks.pull();
    pause(1000);
    networks.plug();
    const done = reportOf<Record<string, number>>(program, "done", 60_000);
    expect(done).toMatchObject({ received: 50_000_000, rest: 0 });
    expect(done.timeouts).toBeGreaterThan(3); // waits of 100 ms each, in at least that second
    expect(done.longestWait).toBeLessThan(1000);
  }, 80_000);

  test("is pulled for good: write, read with keep-alive, and connect fail when the system gives up, even with an endless timeout", () => {
    const networks = new JoinedNetworks();
    const { a, b } = networks;
    // The system gives up within seconds here, not within a quarter of an hour.
    a.run("echo 3 > /proc/sys/net/ipv4/tcp_retries2; echo 1 > /proc/sys/net/ipv4/tcp_syn_retries");
    const { port } = startPeerIn(b, "silent");
    const connected = ["write", "keep-alive"].map((what) => startProgramIn(a, "stranded.js", what, ADDRESS.b, port));
    for (const program of connected) reportOf(program, "connected");
    networks.pull();
    const all = [...connected, startProgramIn(a, "stranded.js", "connect", ADDRESS.b, port)];
    for (const program of all) {
      const { name, code } = reportOf(program, "ended", 40_000);
      expect(name).toBe("NetError");
      expect(["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]).toContain(code);
    }
  }, 80_000);

  test("is pulled and the peer reboots: the half-open connection fails on the next write", () => {
    const networks = new JoinedNetworks();
    const { port, process: peer } = startPeerIn(networks.b, "manual");
    const program = startProgramIn(networks.a, "stranded.js", "half-open", ADDRESS.b, port);
    reportOf(program, "waiting");
    networks.crash(peer);
    expect(reportOf(program, "ended", 30_000)).toMatchObject({ name: "NetError", code: "ECONNRESET" });
  }, 60_000);
});

/** Expects that our own line treated packets as the test says. */
function expectWeather(
  did: ReturnType<JoinedNetworks["statistics"]>,
  { loss = 0, jitter = 0, repeat = 0 }: Weather,
): void {
  expect(did.carried).toBeGreaterThan(1000);
  expect(did.lost > 0).toBe(loss > 0);
  expect(did.repeated > 0).toBe(repeat > 0);
  if (jitter > 0) expect(did.late).toBeGreaterThan(100);
}
