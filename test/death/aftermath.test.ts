/**
 * After the death of a networking thread: what is lost, what continues, and that the process ends.
 */

import { beforeAll, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { killablePackage, startIn } from "./killable-package.js";

let folder = "";
beforeAll(() => {
  folder = killablePackage();
});

/** Runs a story of afterwards.js to its end. */
function live<T>(story: string): T & { exitMilliseconds: number } {
  const program = startIn(folder, "afterwards.js", story, startPeer("echo").port, startPeer("silent").port);
  const [line] = program.waitForOutput(/^\{.*\}$/m, 40_000);
  const start = performance.now();
  program.waitForExit(10_000);
  return { ...JSON.parse(line), exitMilliseconds: performance.now() - start };
}

test("a program that never blocks gets the error from whatever it calls", () => {
  const { exitMilliseconds: _, ...found } = live<Record<string, string>>("looking");
  expect(Object.keys(found).length).toBe(10);
  for (const [look, code] of Object.entries(found)) expect(code, look).toBe("ERR_WORKER_DIED");
}, 60_000);

test("bytes that had arrived are delivered before the error", () => {
  expect(live("bytes")).toMatchObject({ read: "last words", afterwards: "ERR_WORKER_DIED", status: "failure" });
});

test("a separate runtime stays failed; other runtimes are not affected", () => {
  expect(live("other")).toMatchObject({
    before: true,
    limitedDied: "ERR_WORKER_DIED",
    opens: "ERR_WORKER_DIED",
    after: true,
    fresh: true,
  });
});

test("pending bytes are lost: pendingWrites throws, and the process does not wait for them at its end", () => {
  const { code, exitMilliseconds } = live<{ code: string }>("ending");
  expect(code).toBe("ERR_WORKER_DIED");
  expect(exitMilliseconds).toBeLessThan(3000);
});

test("poll reports it to readers until a reading call has thrown it, to writers until a writing call has", () => {
  expect(live("taken")).toMatchObject({
    socket: ["readable writable", "readable", ""],
    udp: ["readable writable", "readable writable", "readable", ""],
    webSocket: ["readable writable", "readable", ""],
  });
});

test("a thread that hangs delays the end of the process by the linger time; its peers get what the system had, and an end", () => {
  const peer = startPeer("silent");
  const program = startIn(folder, "afterwards.js", "hanging", startPeer("echo").port, peer.port);
  const { taken } = JSON.parse(program.waitForOutput(/^\{.*\}$/m, 40_000)[0]);
  const begin = performance.now();
  program.waitForExit(10_000);
  expect(performance.now() - begin).toBeLessThan(4000);
  expect(program.errors).toBe("");
  peer.send({ do: "resume" });
  expect(peer.waitForEvent("end", 10_000).bytes).toBeLessThan(taken);
  expect(peer.events("error")).toEqual([]);
});

test("every call on its handles throws, except close(), also called twice", () => {
  const { codes } = live<{ codes: string[] }>("closing");
  const SET_NO_DELAY = 5; // does not wait for the networking thread, so it need not fail
  expect(codes).toHaveLength(14);
  expect(new Set(codes.filter((_, i) => i !== SET_NO_DELAY))).toEqual(new Set(["ERR_WORKER_DIED"]));
});
