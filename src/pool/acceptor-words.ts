/**
 * The memory that a pool's server shares with its acceptor: how many connections are taken, and what the acceptor is to do.
 *
 * Used on the thread that called `servePool` and on the acceptor's.
 */

/** Connections that were accepted and are not served yet. The acceptor counts up, the server's thread down. */
export const TAKEN = 0;
/** One of the words below. Written by the server's thread. */
export const ORDER = 1;
export const WORDS = 2;

export const ACCEPT = 0;
/** Accept no more; the networking thread must live on for the connections that are being served. */
export const DRAIN = 1;
export const END = 2;
