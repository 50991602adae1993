/**
 * The programs that look for leaks, how much each does, and what it must give back.
 */

/**
 * `quick` is what `npm test` does, `full` what `node test/leaks/run.js` does; peers are an echo server, plain or with
 * TLS, one for datagrams, an HTTP server, or an HTTPS server behind proxies.
 */
export const PROGRAMS = [
  { name: "connections", program: "connections.js", quick: 5000, full: 100_000, peer: "tcp" },
  { name: "TLS connections", program: "connections.js", quick: 500, full: 20_000, peer: "tls" },
  { name: "TLS started on connections", program: "start-tls.js", quick: 500, full: 20_000, peer: "tls" },
  {
    name: "waits for room, pollables, cancelled waits, inputs, reverse look-ups",
    program: "waits.js",
    quick: 500,
    full: 20_000,
    peer: "tcp",
  },
  { name: "runtimes, never yielding", program: "runtimes.js", quick: 20, full: 1000, peer: "tcp" },
  { name: "runtimes, yielding", program: "runtimes.js", quick: 5, full: 1000, peer: "tcp", mode: "yielding" },
  { name: "datagrams", program: "datagrams.js", quick: 100_000, full: 1_000_000, peer: "udp" },
  { name: "servers, UDP sockets, look-ups, refusals", program: "others.js", quick: 100, full: 10_000, peer: "none" },
  { name: "WebSockets and their servers", program: "websockets.js", quick: 50, full: 3000, peer: "none" },
  { name: "rounds of HTTP requests", program: "http.js", quick: 10, full: 1000, peer: "http" },
  {
    name: "rounds of HTTPS requests, also through proxies",
    program: "tunnels.js",
    quick: 2,
    full: 300,
    peer: "tunnel",
  },
  { name: "forgotten handles", program: "forgotten.js", quick: 500, full: 20_000, peer: "tcp" },
];

/** How much memory may grow, in MB: the heaps of two threads grow somewhat, whatever the program does. */
const MEMORY = 200;
/** Bytes set aside in advance: a block of rings of each size, and one of slots. */
const ARENAS = 3 * 32 * 1024 * 1024;

/**
 * Makes the C library return large pieces of memory at once: by default glibc keeps more and more of them in its heap, free and
 * resident, which looks like a leak but is not one.
 */
export const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: "131072" };

/** What is wrong with the accounts of a program; empty when nothing is. */
export function complaints({ before, after }) {
  const wrong = [];
  if (after.descriptors > before.descriptors)
    wrong.push(`${after.descriptors - before.descriptors} descriptors are not back`);
  if (after.threads > before.threads) wrong.push(`${after.threads - before.threads} threads are not back`);
  if (after.open !== 0) wrong.push(`${after.open} slots are not back`);
  if (after.arenaBytes > Math.max(before.arenaBytes, ARENAS))
    wrong.push(`${after.arenaBytes} bytes are set aside for nothing`);
  if (after.megabytes > before.megabytes + MEMORY) wrong.push(`${after.megabytes - before.megabytes} MB are not back`);
  return wrong;
}
