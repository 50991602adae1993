/**
 * A stream of random frames, cut into random pieces, read by random calls through the smallest ring: every byte once and in order,
 * whatever timed out in between.
 */

import fc from "fast-check";
import { NetError, type TcpSocket } from "ringnet";
import { beforeAll, expect, test } from "vitest";
import { order, startPiecewise } from "./pieces.js";

let peer: ReturnType<typeof startPiecewise>;
beforeAll(() => {
  peer = startPiecewise();
});

/** A part of the stream, and the call that reads it. */
interface Frame {
  bytes: Buffer;
  /** Reads it with one attempt, and says what it should be. */
  read(socket: TcpSocket, timeout: number): Buffer | string | null;
  expected: Buffer | string;
}

// Few letters, so that delimiters nearly match often; lengths around the ring's 4096 bytes.
const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1000, max: 3000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 4080, max: 4110 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5000, max: 12_000 }) },
);
const text = fc
  .tuple(length, fc.array(fc.constantFrom("a", "ab", "-", "--", "\r", "é", "🦊", "x".repeat(20)), { minLength: 1 }))
  .map(([size, words]) => {
    let result = "";
    for (let i = 0; result.length < size; i++) result += words[(i * i) % words.length];
    return result;
  });

const line: fc.Arbitrary<Frame> = fc.tuple(text, fc.constantFrom("\n", "\r\n")).map(([content, end]) => {
  const expected = end === "\n" && content.endsWith("\r") ? content.slice(0, -1) : content;
  return { bytes: Buffer.from(content + end), read: (socket, timeout) => socket.readLine(timeout), expected };
});
const until: fc.Arbitrary<Frame> = fc
  .tuple(text, fc.constantFrom("\r\n\r\n", "--end", "\0", "ab-ab--"))
  .map(([content, delimiter]) => {
    const whole = content + delimiter;
    const bytes = Buffer.from(whole.slice(0, whole.indexOf(delimiter) + delimiter.length));
    return { bytes, read: (socket, timeout) => socket.readUntil(delimiter, timeout), expected: bytes };
  });
const exactly: fc.Arbitrary<Frame> = text.map((content) => {
  const bytes = Buffer.from(content);
  return { bytes, read: (socket, timeout) => socket.readExactly(bytes.length, timeout), expected: bytes };
});
/** Reads what has arrived, until this many bytes were read. */
const loosely: fc.Arbitrary<Frame> = fc
  .tuple(text, fc.constantFrom("read", "readInto", "peek"))
  .map(([content, how]) => {
    const bytes = Buffer.from(content);
    const parts: Buffer[] = [];
    let left = bytes.length;
    const take = (socket: TcpSocket): Buffer => {
      if (how === "read") return socket.read(left) as Buffer;
      if (how === "readInto") {
        const target = Buffer.alloc(left);
        return target.subarray(0, socket.readInto(target) as number);
      }
      const part = Buffer.from((socket.peek() as Uint8Array).subarray(0, left));
      socket.consume(part.length);
      return part;
    };
    const read = (socket: TcpSocket, timeout: number): Buffer => {
      while (left > 0) {
        if (!socket.waitUntilReadable(timeout)) throw new NetError({ code: "ETIMEDOUT", message: "not yet" });
        const part = take(socket);
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    };
    return { bytes, read, expected: bytes };
  });

const frames = fc.array(fc.oneof(line, until, exactly, loosely), { minLength: 1, maxLength: 12 });
/** Where to cut, as parts of the whole, and how long to wait before some of the pieces. */
const cuts = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0, 0, 0, 3)), {
  maxLength: 12,
});
const timeouts = fc.array(fc.constantFrom(0, 1, 5, 5000), { minLength: 1, maxLength: 5 });

test("random frames, pieces and timeouts lose nothing", () => {
  fc.assert(
    fc.property(frames, cuts, timeouts, fc.constantFrom(4096, 8192), (list, where, waits, receiveBuffer) => {
      const stream = Buffer.concat(list.map(({ bytes }) => bytes));
      const places = where
        .map(([part, delay]) => ({ at: Math.floor(part * stream.length), delay }))
        .sort((a, b) => a.at - b.at);
      const pieces = [];
      let start = 0;
      for (const { at, delay } of [...places, { at: stream.length, delay: 0 }]) {
        pieces.push({ bytes: stream.subarray(start, at), delay });
        start = at;
      }
      const socket = peer.open({ receiveBuffer });
      try {
        order(socket, pieces);
        let attempt = 0;
        let position = 0;
        for (const frame of list) {
          let result: Buffer | string | null | undefined;
          for (const deadline = performance.now() + 10_000; result === undefined; ) {
            try {
              result = frame.read(socket, waits[attempt++ % waits.length] as number);
            } catch (error) {
              if ((error as NetError).code !== "ETIMEDOUT" || performance.now() > deadline) throw error;
            }
          }
          position += frame.bytes.length;
          if (typeof result === "string") expect(result).toBe(frame.expected);
          else expect(result?.equals(frame.expected as Buffer)).toBe(true);
          expect(socket.bytesRead).toBe(position);
        }
        expect(socket.readAll(5000)).toHaveLength(0);
      } finally {
        socket.close();
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
}, 60_000);
