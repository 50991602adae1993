/** The commands that a connection to a peer's bulk or TLS service takes; peers/wire.h holds the same for C. */

/** "Send me `length` bytes in writes of `piece`." */
export const SEND = 0;
/** "I send `length` bytes; answer with one when you have them." */
export const RECEIVE = 1;
/** "Echo what I send, until I end." */
export const ECHO = 2;

export const COMMAND_BYTES = 16;

/**
 * @param {number} operation
 * @param {number} [piece] bytes
 * @param {number} [length] bytes
 */
export function command(operation, piece = 0, length = 0) {
  const bytes = Buffer.alloc(COMMAND_BYTES);
  bytes.writeUInt32LE(operation, 0);
  bytes.writeUInt32LE(piece, 4);
  bytes.writeBigUInt64LE(BigInt(length), 8);
  return bytes;
}
