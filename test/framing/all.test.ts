/**
 * `readAll`.
 */

import { beforeAll, expect, test } from "vitest";
import { pattern } from "../support/bytes.js";
import { waitFor } from "../support/waiting.js";
import { errorOf } from "../tcp/sockets.js";
import { order, RING, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

test.each([0, 1, RING, 100 * RING + 1])("returns %d bytes up to the end", (count) => {
  const socket = peer.open();
  const sent = pattern(20, 0, count);
  order(socket, [sent]);
  expect(socket.readAll(5000).equals(sent)).toBe(true);
  expect(socket.bytesRead).toBe(count);
  expect(socket.readAll(5000)).toHaveLength(0); // the end stays the end
  expect(socket.read()).toBeNull();
  socket.close();
});

test("returns what other calls left", () => {
  const socket = peer.open();
  order(socket, ["line\nrest", { bytes: " and more", delay: 100 }]);
  expect(socket.readLine(5000)).toBe("line");
  expect(String(socket.readExactly(2, 5000))).toBe("re");
  expect(String(socket.readAll(5000))).toBe("st and more");
  socket.close();
});

test("after a timeout everything received remains readable", () => {
  const socket = peer.open();
  const sent = pattern(21, 0, 4 * RING);
  order(socket, [sent, { bytes: "end", delay: 600 }]);
  expect(errorOf(() => socket.readAll(200)).code).toBe("ETIMEDOUT");
  waitFor("all but the last", () => socket.readable === sent.length);
  expect(socket.bytesRead).toBe(0);
  expect(socket.readAll(5000).equals(Buffer.concat([sent, Buffer.from("end")]))).toBe(true);
  socket.close();
});

test("more than maxLength is an error, and remains readable", () => {
  const socket = peer.open();
  order(socket, ["123456"]);
  expect(errorOf(() => socket.readAll(5000, { maxLength: 5 })).code).toBe("EMSGSIZE");
  expect(socket.bytesRead).toBe(0);
  expect(String(socket.readAll(5000, { maxLength: 6 }))).toBe("123456");
  socket.close();
  const endless = peer.open();
  order(endless, ["a".repeat(100 * RING)], false);
  expect(errorOf(() => endless.readAll(5000, { maxLength: 10 * RING })).code).toBe("EMSGSIZE");
  expect(endless.readable).toBeLessThanOrEqual(12 * RING);
  endless.close();
});
