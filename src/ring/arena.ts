/**
 * Allocates pieces of one size from a few large shared blocks: many small SharedArrayBuffers bloat memory
 * (nodejs/node#34703).
 *
 * Runs on the calling thread, which alone allocates. A networking thread gets the piece's memory and offset with the
 * command that opens a handle, and drops both when it releases the handle.
 *
 * Freed pieces are reused first, because their pages are in memory already. Of the blocks without a piece in use one is
 * kept, and the others are dropped.
 */

/** Most pieces in a block by default, and most bytes unless a single piece is larger. */
const BLOCK_PIECES = 32;
const BLOCK_BYTES = 32 * 1024 * 1024;

interface Block {
  memory: SharedArrayBuffer;
  /** Numbers of the free pieces, the most recently freed last. */
  free: number[];
}

/** How a block is laid out. */
export interface BlockLayout {
  /** Bytes before the first piece. Default: 0. */
  lead?: number;
  /** Most pieces. */
  pieces?: number;
  /** Bytes behind the last piece. Default: 0. */
  tail?: number;
}

/** The allocator of one size. */
export class Arena {
  readonly #pieceBytes: number;
  readonly #lead: number;
  readonly #tail: number;
  /** Pieces in a block. */
  readonly #pieces: number;
  readonly #blocks: (Block | null)[] = [];
  /** No block before this one has a free piece. */
  #hint = 0;
  #emptyBlocks = 0;

  constructor(pieceBytes: number, { lead = 0, pieces = BLOCK_PIECES, tail = 0 }: BlockLayout = {}) {
    this.#pieceBytes = pieceBytes;
    this.#lead = lead;
    this.#tail = tail;
    this.#pieces = Math.min(pieces, Math.max(1, Math.floor(BLOCK_BYTES / pieceBytes)));
  }

  /** Bytes of shared memory held, free pieces included. Pages that were never written take no memory. */
  get bytes(): number {
    let blocks = 0;
    for (const block of this.#blocks) if (block !== null) blocks++;
    return blocks * this.#blockBytes;
  }

  /** Allocates a piece and returns its number. The bytes are what its last user left. */
  allocate(): number {
    for (; this.#hint < this.#blocks.length; this.#hint++) {
      const block = this.#blocks[this.#hint];
      const piece = block?.free.pop();
      if (piece === undefined) continue;
      if (block?.free.length === this.#pieces - 1) this.#emptyBlocks--;
      return this.#hint * this.#pieces + piece;
    }
    this.#addBlock();
    return this.allocate();
  }

  /** Frees a piece. */
  free(piece: number): void {
    const number = Math.floor(piece / this.#pieces);
    const block = this.#blocks[number] as Block;
    block.free.push(piece % this.#pieces);
    if (number < this.#hint) this.#hint = number;
    if (block.free.length < this.#pieces) return;
    this.#emptyBlocks++;
    if (this.#emptyBlocks > 1) {
      this.#blocks[number] = null;
      this.#emptyBlocks--;
    }
  }

  /** The shared memory that contains the piece. */
  memory(piece: number): SharedArrayBuffer {
    return (this.#blocks[Math.floor(piece / this.#pieces)] as Block).memory;
  }

  /** Where in that memory the piece begins, in bytes. */
  offset(piece: number): number {
    return this.#lead + (piece % this.#pieces) * this.#pieceBytes;
  }

  get #blockBytes(): number {
    return this.#lead + this.#pieces * this.#pieceBytes + this.#tail;
  }

  /** Adds a block, in the place of a dropped one if there is any: all others are full. */
  #addBlock(): void {
    const dropped = this.#blocks.indexOf(null);
    this.#hint = dropped < 0 ? this.#blocks.length : dropped;
    const memory = new SharedArrayBuffer(this.#blockBytes);
    this.#blocks[this.#hint] = { memory, free: Array.from({ length: this.#pieces }, (_, i) => this.#pieces - 1 - i) };
    this.#emptyBlocks++;
  }
}
