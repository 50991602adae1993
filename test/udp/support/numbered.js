/**
 * Numbered datagrams: each has its number and can be distinguished from a corrupt one. Runs in tests and in peers.
 *
 * ```
 *  byte 0..3   number, little endian
 *       4..7   length of the datagram, little endian
 *       8…     the number's lowest byte, over and over
 * ```
 */

const HEADER = 8;
/** Datagrams without a given size have 8 bytes and up to this many more. */
const MOST = 240;

/**
 * Datagram number `number`, of `size` bytes, or of a size that depends on the number.
 * @param {number} number
 * @param {number} [size]
 */
export function fillNumbered(number, size = HEADER + (number % MOST)) {
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32LE(size, 4);
  bytes.fill(number & 255, HEADER);
  return bytes;
}

/** Counts numbered datagrams: how many came, how many of them are broken, came twice, or came after a later one. */
export class NumberedTally {
  #seen = new Uint8Array(1024);
  #last = -1;
  received = 0;
  corrupted = 0;
  duplicated = 0;
  disordered = 0;

  /** @param {Buffer} bytes */
  add(bytes) {
    this.received++;
    if (bytes.length < HEADER || bytes.readUInt32LE(4) !== bytes.length) {
      this.corrupted++;
      return;
    }
    const number = bytes.readUInt32LE(0);
    for (let i = HEADER; i < bytes.length; i++) {
      if (bytes[i] !== (number & 255)) {
        this.corrupted++;
        return;
      }
    }
    while (number >= this.#seen.length) {
      const more = new Uint8Array(2 * this.#seen.length);
      more.set(this.#seen);
      this.#seen = more;
    }
    if (this.#seen[number] === 1) this.duplicated++;
    this.#seen[number] = 1;
    if (number < this.#last) this.disordered++;
    this.#last = number;
  }

  get result() {
    const { received, corrupted, duplicated, disordered } = this;
    return { received, corrupted, duplicated, disordered };
  }
}
