/**
 * The bars that this package sets itself, and whether a run met them. A bar compares the median of a metric with a number,
 * or with a contender's median times a factor.
 */
import { format, ratio } from "./format.js";

/**
 * @typedef {object} Bar
 * @property {string} text
 * @property {string} metric as `load.id`
 * @property {string} [against] a contender; without one, the factor is the bar itself
 * @property {number} factor
 * @property {boolean} [beyond] the bar is on the difference to the other contender, not on the ratio
 */

/** @type {(metric: string, against: string, factor: number, text: string) => Bar} */
const bar = (metric, against, factor, text) => ({ metric, against, factor, text });

/** @type {Bar[]} */
export const bars = [
  ...["download", "upload"].flatMap((load) => [
    bar(`${load}.64KiB`, "node-net", 1, `${load}, 64 KiB pieces: at least node:net's`),
    bar(`${load}.64KiB`, "c", 0.9, `${load}, 64 KiB pieces: at least 0.9 of C's`),
  ]),
  bar("echo.p50", "node-net", 1, "64-byte echo, p50: at most node:net's time"),
  bar("echo.p50", "jco", 1 / 3, "64-byte echo, p50: at most a third of jco's time"),
  bar("stream.writes", "node-net", 15, "64-byte writes: at least 15 times node:net's"),
  bar("stream.writes", "c", 5, "64-byte writes: at least 5 times C's, one write a call"),
  { metric: "frames.read", factor: 30e-9, text: "read of an idle connection: at most 30 ns" },
  { metric: "frames.poll-10000", factor: 5e-6, text: "poll(0) over 10,000 idle connections: at most 5 µs" },
  bar("tls-bulk.download", "node-net", 1, "TLS download: at least node:tls's"),
  bar("tls-bulk.upload", "node-net", 1, "TLS upload: at least node:tls's"),
  bar("datagrams-in.received", "node-net", 1, "datagrams received: at least node:dgram's"),
  bar("datagrams-out.sent", "node-net", 1, "datagrams sent: at least node:dgram's"),
  bar("requests.100", "node-net", 1, "requests over 100 connections: at least node:net's"),
  bar("cold-start.wall", "node-net", 2, "cold start to first byte: at most twice node:net's"),
  {
    metric: "memory.opened",
    against: "node-net",
    factor: 12 * 1024,
    beyond: true,
    text: "memory of an idle connection: at most 12 KiB beyond node:net's",
  },
  {
    metric: "memory.used",
    against: "node-net",
    factor: 12 * 1024,
    beyond: true,
    text: "the same once it was used: at most 12 KiB beyond node:net's",
  },
  { metric: "idle.loop", factor: 0.5, text: "CPU of an idle process: at most 0.5% of a core" },
  { metric: "idle.blocked", factor: 0.5, text: "CPU of a process blocked in a wait: at most 0.5% of a core" },
  bar("http-get.p50", "undici", 1, "GET, p50: at most undici's time"),
  ...["synckit", "sync-request", "sync-fetch"].map((rival) =>
    bar("http-get.p50", rival, 1 / 20, `GET, p50: at most a twentieth of ${rival}'s time`),
  ),
  bar("http-256mb.rate", "undici", 1, "GET of 256 MB: at least undici's rate"),
  bar("http-post.rate", "undici", 1, "POST of 16 MB: at least undici's rate"),
  bar("http-many.rate", "undici", 0.9, "100 GETs over 10 connections: at least 0.9 of undici's"),
  bar("http-cold-start.wall", "ringnet-tcp", 1.15, "cold start of HTTP: at most 1.15 of a TCP connection's"),
  bar("websocket-echo.p50", "ws", 1, "WebSocket echo, p50: at most ws's time"),
  bar("websocket-flood.received", "ws", 1, "WebSocket messages of 100 bytes: at least ws's rate"),
  bar("websocket-large.received", "ws", 0.8, "WebSocket messages of 1 MB: at least 0.8 of ws's rate"),
];

/** @typedef {import("./statistics.js").Summary} Summary */

/**
 * @param {Bar} bar
 * @param {import("../contenders/contract.js").Metric} metric
 * @param {Record<string, Summary>} by contender
 */
function judge(bar, metric, by) {
  const own = by.ringnet?.median;
  const other = bar.against ? by[bar.against]?.median : 1;
  if (own === undefined || other === undefined) return { text: bar.text, verdict: "not measured", found: "" };
  const value = bar.beyond ? own - other : bar.against ? own / other : own;
  const met = metric.better === "higher" ? value >= bar.factor : value <= bar.factor;
  const found = bar.against && !bar.beyond ? ratio(value) : format(value, metric.unit);
  return { text: bar.text, verdict: met ? "met" : "missed", found };
}

/**
 * @param {{ load: string, metric: import("../contenders/contract.js").Metric, by: Record<string, Summary> }[]} rows
 */
export function judgeBars(rows) {
  return bars.flatMap((bar) => {
    const row = rows.find(({ load, metric }) => bar.metric === `${load}.${metric.id}`);
    return row ? [judge(bar, row.metric, row.by)] : [];
  });
}
