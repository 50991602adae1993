/**
 * Names without an answer: in a separate network, whose only name server is silent.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { node, type Process, root } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";
import { timed } from "../support/waiting.js";
import { FORBIDDEN, Network, probe, startPeerIn } from "./networks.js";
import { reportOf } from "./reports.js";

interface Report {
  result: unknown;
  milliseconds: number;
}

const { networks: able, reason } = probe();

/** Starts a program of test/faults/programs in a network whose name server is on its loopback interface. */
function startWithNameServer(network: Network, name: string, ...args: string[]): Process {
  const resolvers = join(temporaryFolder(), "resolv.conf");
  writeFileSync(resolvers, "nameserver 127.0.0.1\noptions timeout:4 attempts:1\n");
  // This program has an /etc/resolv.conf of its own.
  const mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const program = join(root, "test/faults/programs", name);
  return network.start(["unshare", "-m", "sh", "-c", mount, resolvers, ...fileCommand(program, ...args)]);
}

test.each(able ? ["deadlines hold"] : [])(
  "%s: connections, IPs and other names are not delayed",
  () => {
    const network = new Network();
    const server = join(root, "test/faults/name-server.js");
    network.start([node, server, "answered.example", "10.1.2.3"]).waitForOutput(/ready/);
    const { port } = startPeerIn(network, "echo");
    const running = startWithNameServer(network, "unanswered-names.js", `${port}`, "answered.example");

    const asked = reportOf<Record<string, Report>>(running, "asked");
    expect(asked.wait?.result).toBe("waiting");
    expect(asked.connect?.result).toBe("ETIMEDOUT");
    expect(asked.waitingAddress?.result).toBe("ETIMEDOUT");
    for (const name of ["wait", "connect", "waitingAddress"]) {
      expect(asked[name]?.milliseconds).toBeGreaterThan(295);
      expect(asked[name]?.milliseconds).toBeLessThan(1300);
    }
    expect(asked.close?.milliseconds).toBeLessThan(1500);

    const others = reportOf<Record<string, Report>>(running, "others");
    expect(others.open?.result).toBe("still there");
    expect(others.ip?.result).toBe("success");
    for (const { milliseconds } of Object.values(others)) expect(milliseconds).toBeLessThan(1000);

    const names = reportOf<Record<string, Report>>(running, "names");
    expect(names.local?.result).toBe("success");
    expect(names.connect?.result).toBe("success");
    expect(names.answered?.result).toBe("10.1.2.3");
    for (const { milliseconds } of Object.values(names)) expect(milliseconds).toBeLessThan(3000);

    // A look-up that the system has begun can't be cancelled: the process ends when the system gives up.
    expect(timed(() => running.waitForExit(20_000)).milliseconds).toBeLessThan(10_000);
  },
  60_000,
);

test.each(able ? ["datagrams to a name without an answer"] : [])(
  "%s: datagrams behind them are not held up, and memory stays bounded",
  () => {
    const network = new Network();
    const server = join(root, "test/faults/name-server.js");
    network.start([node, server, "answered.example", "127.0.0.1"]).waitForOutput(/ready/);
    const running = startWithNameServer(network, "datagrams-to-names.js", "answered.example");

    const one = reportOf(running, "behind one");
    expect(one).toMatchObject({ received: 600, inOrder: true });
    expect(one.milliseconds).toBeLessThan(1000);
    expect(reportOf(running, "pending").bytes).toBeGreaterThan(0); // the one to the name is not sent
    expect(reportOf(running, "closed").milliseconds).toBeLessThan(1500);

    const mixed = reportOf(running, "mixed");
    expect(mixed).toMatchObject({ received: 200, inOrder: true });
    expect(mixed.milliseconds).toBeLessThan(3000);

    const flood = reportOf<{ codes: Record<string, number>; received: number; milliseconds: number }>(running, "flood");
    expect(flood.received).toBe(10);
    expect(Object.keys(flood.codes)).toEqual(["ENOBUFS"]);
    expect(flood.milliseconds).toBeLessThan(1000);
    expect(reportOf(running, "call").milliseconds).toBeLessThan(1000);
    running.waitForExit(20_000);
  },
  60_000,
);

test("the system has what these tests need", () => {
  if (able) return;
  console.log(`NOT TESTED HERE: names without an answer, because this system forbids network namespaces: ${reason}`);
  expect(reason).toMatch(FORBIDDEN);
});
