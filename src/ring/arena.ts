/**
 * Pieces of one size carved out of a few large shared blocks: many small SharedArrayBuffers bloat memory
 * (nodejs/node#34703).
 *
 * Runs on the client, which alone allocates; a networking thread gets the piece's memory and offset with the command that
 * opens a handle, and lets go of both when it releases the handle.
 *
 * Freed pieces are used again first, because their pages are in memory already. A block without a piece in use is
 * dropped, but for one that is kept for the next.
 */

/** Pieces in a block. */
const PIECES = 32;

interface Block {
  memory: SharedArrayBuffer;
  /** Numbers of the free pieces, the most recently freed last. */
  free: number[];
}

/** The allocator of one size. */
export class Arena {
  readonly #pieceBytes: number;
  readonly #blocks: (Block | null)[] = [];
  /** No block before this one has a free piece. */
  #hint = 0;
  #emptyBlocks = 0;

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
  }

  /** Bytes of shared memory held, free pieces included. Pages that nobody wrote to take no memory. */
  get bytes(): number {
    let blocks = 0;
    for (const block of this.#blocks) if (block !== null) blocks++;
    return blocks * PIECES * this.#pieceBytes;
  }

  /** Takes a piece out; its bytes are whatever its last user left. Returns its number. */
  allocate(): number {
    for (; ; this.#hint++) {
      const block = this.#blocks[this.#hint] ?? this.#addBlock(this.#hint);
      const piece = block.free.pop();
      if (piece === undefined) continue;
      if (block.free.length === PIECES - 1) this.#emptyBlocks--;
      return this.#hint * PIECES + piece;
    }
  }

  /** Gives a piece back. */
  free(piece: number): void {
    const number = Math.floor(piece / PIECES);
    const block = this.#blocks[number] as Block;
    block.free.push(piece % PIECES);
    if (number < this.#hint) this.#hint = number;
    if (block.free.length < PIECES) return;
    this.#emptyBlocks++;
    if (this.#emptyBlocks > 1) {
      this.#blocks[number] = null;
      this.#emptyBlocks--;
    }
  }

  /** The shared memory that a piece lies in. */
  memory(piece: number): SharedArrayBuffer {
    return (this.#blocks[Math.floor(piece / PIECES)] as Block).memory;
  }

  /** Where in that memory the piece begins, in bytes. */
  offset(piece: number): number {
    return (piece % PIECES) * this.#pieceBytes;
  }

  #addBlock(number: number): Block {
    const memory = new SharedArrayBuffer(PIECES * this.#pieceBytes);
    const block: Block = { memory, free: Array.from({ length: PIECES }, (_, i) => PIECES - 1 - i) };
    this.#blocks[number] = block;
    this.#emptyBlocks++;
    return block;
  }
}
