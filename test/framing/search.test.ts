/**
 * The search for a delimiter: its cost grows with the bytes alone, whatever the delimiter looks like, and a timeout ends it.
 */

import fc from "fast-check";
import type { TcpSocket } from "ringnet";
import { beforeAll, expect, test } from "vitest";
import { DelimiterSearch } from "../../build/main/link/delimiter-search.js";
import { startPeer } from "../support/peers.js";
import { timed, waitFor } from "../support/waiting.js";
import { errorOf, openTo } from "../tcp/sockets.js";
import { order, startPiecewise } from "./pieces.js";

const MIB = 1024 * 1024;
/** Far more than a linear search takes, on a busy machine too, and far less than a search that begins again at each byte. */
const QUICK_MS = 300;

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

/** A connection in whose ring `bytes` have arrived. */
function filledWith(bytes: Uint8Array): TcpSocket {
  const socket = peer.open({ receiveBuffer: 2 * MIB, sendBuffer: 2 * MIB });
  order(socket, [bytes], false);
  waitFor("the bytes", () => socket.readable === bytes.length);
  return socket;
}

test.each([
  ["70 dashes and a letter", `${"-".repeat(70)}X`],
  ["a letter between dashes", `${"-".repeat(35)}X${"-".repeat(35)}`],
  ["a boundary of multipart/form-data", `\r\n${"-".repeat(28)}1234567890`],
  ["30,000 dashes, a letter, 30,000 dashes", `${"-".repeat(30_000)}X${"-".repeat(30_000)}`],
])("searches a mebibyte of dashes in linear time: %s", (_, delimiter) => {
  const socket = filledWith(Buffer.alloc(MIB, "-"));
  const search = () => errorOf(() => socket.readUntil(delimiter, 0, { maxLength: 4 * MIB })).code;
  expect(timed(search)).toEqual({ value: "ETIMEDOUT", milliseconds: expect.toSatisfy((ms) => ms < QUICK_MS) });
  expect(socket.readable).toBe(MIB);
  socket.close();
});

test("a second call continues the search where the first stopped", () => {
  const socket = filledWith(Buffer.alloc(MIB, "-"));
  const [one, other] = [`${"-".repeat(70)}X`, `${"-".repeat(70)}Y`];
  const search = (delimiter: string) => {
    expect(errorOf(() => socket.readUntil(delimiter, 0, { maxLength: 4 * MIB })).code).toBe("ETIMEDOUT");
  };
  const measure = (delimiters: string[]) => {
    return timed(() => {
      for (let i = 0; i < 200; i++) for (const delimiter of delimiters) search(delimiter);
    }).milliseconds;
  };
  // Another delimiter each time: each search begins at the beginning.
  expect(measure([one, one])).toBeLessThan(measure([one, other]) / 2);
  socket.close();
});

test("a call with another delimiter, or after a read, searches from the beginning", () => {
  const socket = peer.open();
  order(socket, ["ab,cd;ef,gh;", { bytes: "ij", delay: 0 }], false);
  waitFor("the bytes", () => socket.readable === 14);
  expect(errorOf(() => socket.readUntil("!", 0)).code).toBe("ETIMEDOUT");
  expect(String(socket.readUntil(";", 0))).toBe("ab,cd;");
  expect(errorOf(() => socket.readUntil("i!", 0)).code).toBe("ETIMEDOUT");
  expect(String(socket.readUntil(",", 0))).toBe("ef,");
  expect(errorOf(() => socket.readUntil("jk", 0)).code).toBe("ETIMEDOUT");
  socket.consume(1);
  order(socket, ["k"]);
  expect(String(socket.readUntil("jk", 5000))).toBe("h;ijk");
  socket.close();
});

test("a delimiter whose bytes changed between two calls counts as another", () => {
  const socket = peer.open();
  order(socket, ["one,two;"], false);
  waitFor("the bytes", () => socket.readable === 8);
  const delimiter = Buffer.from("!");
  expect(errorOf(() => socket.readUntil(delimiter, 0)).code).toBe("ETIMEDOUT");
  delimiter.write(",");
  expect(String(socket.readUntil(delimiter, 0))).toBe("one,");
  socket.close();
});

test("a frame that was too long is found by a call that allows its length", () => {
  const socket = peer.open();
  order(socket, ["1234567\r\n"], false);
  waitFor("the bytes", () => socket.readable === 9);
  for (const maxLength of [3, 6, 3]) {
    expect(errorOf(() => socket.readLine(0, { maxLength })).code).toBe("EMSGSIZE");
    expect(errorOf(() => socket.readUntil("\r\n", 0, { maxLength })).code).toBe("EMSGSIZE");
  }
  expect(socket.readLine(0, { maxLength: 7 })).toBe("1234567");
  socket.close();
});

test("a search counts against the timeout: the error says how far it got, and the next call continues", () => {
  const socket = peer.open({ receiveBuffer: 16 * MIB });
  const bytes = Buffer.alloc(9 * MIB, "-");
  order(socket, [bytes, "X!"], false);
  waitFor("the bytes", () => socket.readable === bytes.length + 2);
  const options = { maxLength: 64 * MIB };
  const messages: string[] = [];
  let found: Buffer | null = null;
  while (found === null && messages.length < 20) {
    try {
      found = socket.readUntil("X!", 0, options);
    } catch (error) {
      messages.push((error as Error).message);
    }
  }
  expect(found).toHaveLength(bytes.length + 2);
  expect(messages.length).toBeGreaterThan(1);
  expect(messages[0]).toMatch(/^readUntil timed out after 0 ms: searched \d+ of 9437186 bytes;/);
  socket.close();
});

test.each<[string, (socket: TcpSocket) => unknown]>([
  ["readUntil", (socket) => socket.readUntil("never", 100, { maxLength: Number.POSITIVE_INFINITY })],
  ["readAll", (socket) => socket.readAll(100, { maxLength: Number.POSITIVE_INFINITY })],
  ["readExactly", (socket) => socket.readExactly(400_000_000, 100)],
])("a peer that sends without a pause does not stretch the timeout of %s", (_, read) => {
  const source = startPeer("source", { bytes: 400_000_000, piece: 65_536, hash: false });
  const socket = openTo(source, { receiveBuffer: 65_536 });
  expect(errorOf(() => read(socket)).code).toBe("ETIMEDOUT");
  socket.reset();
});

test("finds what Buffer.indexOf finds, in whatever pieces the bytes come", () => {
  const letters = fc.array(fc.constantFrom(97, 98), { minLength: 1, maxLength: 8 });
  const pieces = fc.array(fc.array(fc.constantFrom(97, 98, 99), { maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(letters, pieces, (delimiter, chunks) => {
      const search = new DelimiterSearch(Uint8Array.from(delimiter));
      for (const chunk of chunks) search.advance(Uint8Array.from(chunk));
      const begin = Buffer.from(chunks.flat()).indexOf(Buffer.from(delimiter));
      expect(search.end).toBe(begin < 0 ? -1 : begin + delimiter.length);
    }),
    { numRuns: 2000 },
  );
});

test("refuses a delimiter of more than a mebibyte", () => {
  const socket = peer.open();
  expect(() => socket.readUntil(Buffer.alloc(MIB + 1), 0)).toThrow(RangeError);
  socket.close();
});
