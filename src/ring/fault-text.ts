/**
 * An error on its way from one thread to another: a length word and a text, JSON in UTF-8, of a slot or in a worker block.
 *
 * Written once, by the networking thread, before the state word that the caller checks; read by the caller after that
 * word.
 */

/** An error as data. */
export interface Fault {
  /** The system's or Node's code: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, … */
  code: string;
  message: string;
  syscall?: string | undefined;
  /** The host name that it concerns, if any. */
  host?: string | undefined;
  address?: string | undefined;
  port?: number | undefined;
}

/**
 * Writes the text of `fault` to `offset`, in bytes from the first of `words` (it may lie behind the last), in at most `bytes` bytes, and then
 * its length to `words[length]`. A message that does not fit is cut.
 */
export function writeFault(words: Int32Array, length: number, offset: number, bytes: number, fault: Fault): void {
  const target = new Uint8Array(words.buffer, words.byteOffset + offset, bytes);
  let text = new TextEncoder().encode(JSON.stringify(fault));
  for (let { message } = fault; text.length > bytes; ) {
    // The rest fits beside a short message, unless its text has many characters that JSON escapes.
    const rest = message === "" ? { code: fault.code.slice(0, 64) } : fault;
    // Cut in proportion to the excess: JSON takes at least one byte for each character, so this ends soon.
    message = message.slice(0, Math.max(0, message.length - Math.max(8, (text.length - bytes) >> 2)));
    text = new TextEncoder().encode(JSON.stringify({ ...rest, message }));
  }
  target.set(text);
  Atomics.store(words, length, text.length); // partner: readFault
}

/** Reads what `writeFault` wrote, or null if nothing was written. */
export function readFault(words: Int32Array, length: number, offset: number): Fault | null {
  const bytes = Atomics.load(words, length); // partner: writeFault
  if (bytes <= 0) return null;
  const shared = new Uint8Array(words.buffer, words.byteOffset + offset, bytes);
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(shared))) as Fault; // TextDecoder refuses shared memory
}
