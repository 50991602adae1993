/**
 * `readLine` of a line that no string can hold.
 */

import { constants } from "node:buffer";
import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { errorOf, openTo } from "../tcp/sockets.js";

const LONGEST = constants.MAX_STRING_LENGTH;

test("refuses a line longer than a string can be, and leaves it readable", { timeout: 120_000 }, () => {
  const peer = startPeer("line", { bytes: LONGEST + 2_000_000 });
  const socket = openTo(peer, { receiveBuffer: 2 ** 24 });
  const error = errorOf(() => socket.readLine(100_000, { maxLength: Number.POSITIVE_INFINITY }));
  expect(error).toMatchObject({ code: "EMSGSIZE", message: `line exceeds what a string can hold (${LONGEST} bytes)` });
  expect(socket.bytesRead).toBe(0);
  expect(socket.readable).toBeGreaterThan(LONGEST);
  socket.reset();
});
