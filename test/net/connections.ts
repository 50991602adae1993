/**
 * The loops that a user of the original API writes by hand, each with a time limit.
 */

import { net } from "ringnet";
import { expect } from "vitest";
import type { Peer } from "../support/peers.js";
import { pause, waitFor } from "../support/waiting.js";

/** The value of a pair that is not a failure. */
export function unwrap<T>([value, message]: readonly [T | null, string | null]): T {
  expect(message).toBeNull();
  expect(value).not.toBeNull();
  return value as T;
}

/** The text of a pair that is a failure. */
export function failureText([value, message]: readonly [unknown, string | null]): string {
  expect(value).toBeNull();
  expect(message).toEqual(expect.any(String));
  return message as string;
}

/** An address that is resolved. */
export function addressOf(host = "127.0.0.1"): net.address {
  const address = unwrap(net.resolve_address(host));
  expect(address.wait_until_resolved(5000)).toEqual(["success", null]);
  return address;
}

/** A connection to a port, established. */
export function openTo({ host, port }: Pick<Peer, "host" | "port">): net.tcp {
  const tcp = unwrap(net.open_tcp(addressOf(host), port));
  expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
  return tcp;
}

/** Exactly `count` bytes. */
export function readBytes(tcp: net.tcp, count: number, timeout = 10_000): Buffer {
  const pieces: Buffer[] = [];
  let missing = count;
  return waitFor(
    `${count} bytes`,
    () => {
      const piece = unwrap(tcp.read(missing));
      pieces.push(piece);
      missing -= piece.length;
      return missing === 0 && Buffer.concat(pieces);
    },
    timeout,
  );
}

/** All bytes up to the end of the stream. */
export function readToEnd(tcp: net.tcp, timeout = 10_000): Buffer {
  const pieces: Buffer[] = [];
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    const [piece, message] = tcp.read(1 << 20);
    expect(message).toBeNull();
    if (piece === null) return Buffer.concat(pieces);
    if (piece.length === 0) pause(1);
    pieces.push(piece);
  }
  throw new Error(`no end within ${timeout} ms, after ${pieces.reduce((sum, { length }) => sum + length, 0)} bytes`);
}

/** Writes all of `data`, piece by piece. */
export function writeBytes(tcp: net.tcp, data: Uint8Array, timeout = 10_000): void {
  const deadline = performance.now() + timeout;
  for (let at = 0; at < data.length; ) {
    const count = unwrap(tcp.write(data.subarray(at)));
    at += count;
    if (count === 0) {
      if (performance.now() > deadline) throw new Error(`only ${at} of ${data.length} bytes taken in ${timeout} ms`);
      pause(1);
    }
  }
}

/** Writes until nothing was taken for 300 ms; returns how many bytes were taken. */
export function fill(tcp: net.tcp, most = 256 << 20): number {
  const piece = Buffer.alloc(1 << 16, 120);
  let taken = 0;
  for (let idle = 0; idle < 300 && taken < most; ) {
    const count = unwrap(tcp.write(piece));
    taken += count;
    if (count > 0) idle = 0;
    else {
      pause(5);
      idle += 5;
    }
  }
  return taken;
}
