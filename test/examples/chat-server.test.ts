/**
 * examples/chat-server.js with a thousand guests.
 */

import { beforeEach, expect, test } from "vitest";
import { Process } from "../support/processes.js";
import { openTo } from "../tcp/sockets.js";

let server: Process;
let port: number;
beforeEach(() => {
  server = new Process(process.execPath, ["examples/chat-server.js", "0"]);
  port = Number(server.waitForOutput(/^listening on port (\d+)$/m)[1]);
});

const enter = () => openTo({ host: "127.0.0.1", port });

test("a thousand guests receive every message, in the same order", () => {
  const guests = new Process(process.execPath, ["test/examples/chat-load.js", `${port}`, "1000", "100", "5"]);
  const result = JSON.parse(guests.waitForOutput(/^\{.*\}$/m, 60_000)[0]);
  expect(result).toMatchObject({ heard: 500_000, orders: 1 });
  expect(guests.output).not.toContain("put out");
  expect(server.alive).toBe(true);
  expect(server.errors).toBe("");
}, 90_000);

test("guests may name themselves, ask for the count, and leave", () => {
  const [ada, bob] = [enter(), enter()];
  ada.writeAll("/name Ada\r\n/who\n");
  expect(ada.readLine(5000)).toMatch(/^[12] are here$/);
  bob.writeAll("he");
  bob.writeAll("llo\n");
  expect(ada.readLine(5000)).toBe("somebody: hello");
  ada.writeAll("good morning\n");
  expect(bob.readLine(5000)).toBe("somebody: hello");
  expect(bob.readLine(5000)).toBe("Ada: good morning");
  bob.writeAll("/bye\n");
  expect(bob.readLine(5000)).toBeNull();
  ada.writeAll("/who\n");
  expect(ada.readLine(5000)).toBe("Ada: good morning");
  expect(ada.readLine(5000)).toBe("1 are here");
});

test("guests that disconnect, never end their line or never read don't disturb others", () => {
  const good = enter();
  enter().reset();
  const endless = enter();
  endless.writeAll("x".repeat(2000));
  expect(endless.readLine(5000)).toBeNull();
  const deaf = enter();
  deaf.writeAll("/name deaf\n");
  const line = "y".repeat(900);
  let heard = 0;
  // The ring of the guest that never reads and the kernel's buffers fill up; then it is disconnected.
  for (let round = 0; round < 15_000; round++) {
    good.writeAll(`${line}\n`, 5000);
    expect(good.readLine(5000)).toBe(`somebody: ${line}`);
    heard++;
    if (round % 1000 !== 999) continue;
    good.writeAll("/who\n");
    if (good.readLine(5000) === "1 are here") break;
  }
  good.writeAll("/who\n");
  expect(good.readLine(5000)).toBe("1 are here");
  expect(heard).toBeGreaterThan(0);
  expect(server.errors).toBe("");
}, 60_000);
