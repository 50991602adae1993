/**
 * The memory that a pool's server shares with its acceptor: the number of connections taken, and the acceptor's order.
 *
 * Used on the thread that called `servePool` and on the acceptor's.
 */

/**
 * Connections that were accepted and whose serving has not ended. The acceptor increments it, the server's thread
 * decrements it.
 */
export const TAKEN = 0;
/** One of the words below. Written by the server's thread. */
export const ORDER = 1;
export const WORDS = 2;

export const ACCEPT = 0;
/** Accept no more clients. The networking thread keeps running for the connections that are being served. */
export const DRAIN = 1;
export const END = 2;
