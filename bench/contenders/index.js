import { availableParallelism } from "node:os";

/**
 * The contenders. `core` ones run in every round, the others in about half of them. `lacks` says what a contender cannot
 * do, and why; such a load gets a dash.
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} title
 * @property {boolean} core
 * @property {string} about
 * @property {string[]} [only] the loads that it takes part in, if not all
 * @property {Record<string, string>} lacks
 */

const noTls = (/** @type {string} */ why) => ({ "tls-bulk": why, "tls-echo": why, handshakes: why });

/** This package with several networking threads: with a core for each, one for the program, and one for the peer. @param {number} threads */
function withThreads(threads) {
  const cores = availableParallelism();
  const lacking = `not measured here: ${threads} networking threads, the program and the peer need ${threads + 2} cores; there are ${cores}`;
  return {
    name: `ringnet-${threads}`,
    title: `ringnet, ${threads} threads`,
    core: false,
    about: `this package with ${threads} networking threads`,
    only: ["requests"],
    lacks: cores < threads + 2 ? { requests: lacking } : /** @type {Record<string, string>} */ ({}),
  };
}

/** @type {Contender[]} */
export const contenders = [
  { name: "ringnet", title: "ringnet", core: true, about: "this package, blocking calls, default settings", lacks: {} },
  { name: "node-net", title: "node:net", core: true, about: "async node:net, node:tls and node:dgram", lacks: {} },
  {
    name: "c",
    title: "C",
    core: true,
    about: "a C program with blocking calls and epoll, OpenSSL for TLS",
    lacks: { garbage: "has no collector", idle: "sleeps in the kernel" },
  },
  {
    name: "synckit",
    title: "synckit",
    core: false,
    about: "one RPC a call to a worker with node:net, by synckit",
    lacks: {},
  },
  {
    name: "jco",
    title: "jco",
    core: false,
    about: "wasi:sockets of @bytecodealliance/preview2-shim",
    lacks: noTls("wasi:sockets has no TLS"),
  },
  {
    name: "koffi",
    title: "koffi",
    core: false,
    about: "libc's calls by FFI in the same thread",
    lacks: noTls("libc has no TLS"),
  },
  ...[2, 4, 8].map(withThreads),
];
