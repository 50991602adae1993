/** The contenders in the loads of HTTP; see contenders/index.js for what the fields mean. */

const PROCESS = "starts a process for each call";
/** Of the contenders that hand a body over as JSON between processes. */
const TEXT_BODIES = {
  "http-many": "one request at a time",
  "http-256mb": "passes bodies as JSON: see 1 MB",
  "https-256mb": "passes bodies as JSON: see 1 MB",
  "http-memory": "passes bodies as JSON: see 1 MB",
};

/** @type {import("../../contenders/index.js").Contender[]} */
export const contenders = [
  { name: "ringnet", title: "ringnet", core: true, about: "ringnet/http, a client with 10 connections", lacks: {} },
  { name: "undici", title: "undici", core: true, about: "async: request() with an Agent of 10 connections", lacks: {} },
  { name: "node-http", title: "node:http", core: true, about: "async, an agent that keeps 10 connections", lacks: {} },
  { name: "fetch", title: "fetch", core: true, about: "async, Node's own", lacks: {} },
  {
    name: "synckit",
    title: "synckit + fetch",
    core: false,
    about: "one RPC a call to a worker with fetch, by synckit",
    lacks: {},
  },
  {
    name: "sync-request",
    title: "sync-request",
    core: false,
    about: "one call at a time to a process that it keeps",
    lacks: TEXT_BODIES,
  },
  {
    name: "sync-fetch",
    title: "sync-fetch",
    core: false,
    about: PROCESS,
    lacks: TEXT_BODIES,
  },
  {
    name: "curl",
    title: "curl",
    core: false,
    about: `the program, by execFileSync: ${PROCESS}`,
    lacks: { "http-memory": "it is another process's memory" },
  },
  {
    name: "ringnet-tcp",
    title: "ringnet, TCP only",
    core: true,
    about: "the same request written to a TcpSocket",
    only: ["http-cold-start"],
    lacks: {},
  },
];
