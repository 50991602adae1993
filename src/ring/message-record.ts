/**
 * WebSocket messages as records of a ring: the kinds of records, and what is done with messages that are too large for
 * one.
 *
 * Used on both threads. A message of up to `pieceBytes` is one record. In a send ring a larger one is several, with
 * CONTINUED on all but the last. In a receive ring it is an empty record with IN_NOTICE: its bytes, which are in memory
 * of their own already, are moved to the caller's thread with a notice instead of copied twice.
 */

import { RECORD_HEADER_BYTES } from "./record-ring.js";

/** Kinds: the opcodes of RFC 6455, section 5.2. */
export const TEXT = 1;
export const BINARY = 2;
/** The payload is the status code, 16 bits, big endian, then the reason in UTF-8; empty if there is no code. */
export const CLOSE = 8;
/** A bit beside TEXT or BINARY: the message continues in the next record. */
export const CONTINUED = 256;
/** A bit beside TEXT or BINARY: the record is empty, and the next notice `message` has the bytes. */
export const IN_NOTICE = 512;
/** The bits of a kind without CONTINUED and IN_NOTICE. */
export const KIND_MASK = 255;

/** Status codes: the normal one, and two that no frame contains. RFC 6455, section 7.4.1. */
export const NORMAL = 1000;
export const NO_STATUS = 1005;
export const ABNORMAL = 1006;

/** The longest reason, in bytes: a control frame has up to 125, and the code takes two. RFC 6455, section 5.5. */
export const MAX_REASON_BYTES = 123;
/** The longest record of kind CLOSE. */
export const CLOSE_RECORD_BYTES = RECORD_HEADER_BYTES + 2 + MAX_REASON_BYTES;

/**
 * The largest payload of a record in a ring of `capacity` bytes: a quarter, so that one is read while the next is
 * written.
 */
export function pieceBytes(capacity: number): number {
  return (capacity >> 2) - RECORD_HEADER_BYTES;
}

/** The payload of a CLOSE. */
export function closePayload(code: number, reason: Uint8Array): Uint8Array {
  if (code === NO_STATUS) return new Uint8Array(0);
  const payload = new Uint8Array(2 + reason.length);
  payload[0] = code >> 8;
  payload[1] = code & 255;
  payload.set(reason, 2);
  return payload;
}

/** The code and the reason in the payload of a CLOSE. */
export function closeOf(payload: Uint8Array): { code: number; reason: Uint8Array } {
  if (payload.length < 2) return { code: NO_STATUS, reason: payload };
  return { code: ((payload[0] as number) << 8) | (payload[1] as number), reason: payload.subarray(2) };
}
