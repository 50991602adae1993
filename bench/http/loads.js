/** The loads of HTTP in the order of the report. */

export const SMALL_BYTES = 100;
export const LARGE_BYTES = 1_000_000;
export const HUGE_BYTES = 256_000_000;
export const POST_BYTES = 16_000_000;

/** How long a contender runs before it is measured, in ms. */
const WARM_MS = 150;
/** Requests of a load at least, also of a contender that starts a process for each. */
const FEWEST = 10;
/** Requests of a batch of many at once. */
const BATCH = 100;

/** @typedef {import("./contract.js").HttpLoad} HttpLoad */
/** @typedef {import("./contract.js").HttpContender} HttpContender */
/** @typedef {import("./contract.js").HttpRun} HttpRun */

/** Throws unless it is so long. @param {number} found @param {number} expected */
function check(found, expected) {
  if (found !== expected) throw new Error(`expected ${expected}, got ${found}`);
}

/**
 * Calls `once` for about `seconds`, `fewest` times at least; the times in seconds.
 * @param {() => unknown} once @param {number} seconds @param {number} fewest
 */
async function timesOf(once, seconds, fewest) {
  /** @type {number[]} */
  const times = [];
  let start = performance.now();
  const end = start + seconds * 1000;
  while (start < end || times.length < fewest) {
    await once();
    const stop = performance.now();
    times.push((stop - start) / 1000);
    start = stop;
  }
  return times;
}

/** @param {number[]} times @param {number} part */
const quantile = (times, part) =>
  /** @type {number} */ (times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))]);

/** @param {string} name @param {"origin" | "secure"} where @param {string} title @returns {HttpLoad} */
function oneAtATime(name, where, title) {
  return {
    name,
    title: `${title} of ${SMALL_BYTES} bytes, one at a time`,
    metrics: [
      { id: "p50", label: `${title}, p50`, unit: "s", better: "lower" },
      { id: "p99", label: `${title}, p99`, unit: "s", better: "lower" },
    ],
    async measure(contender, run) {
      const once = async () => check((await contender.get(`${run[where]}/small`)).length, SMALL_BYTES);
      await timesOf(once, WARM_MS / 1000, 1);
      const times = await timesOf(once, run.seconds, FEWEST);
      return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
    },
  };
}

/** @param {string} name @param {"origin" | "secure"} where @param {string} title @returns {HttpLoad} */
function bulk(name, where, title) {
  return {
    name,
    title,
    rounds: 3,
    metrics: [{ id: "rate", label: title, unit: "B/s", better: "higher" }],
    async measure(contender, run) {
      await timesOf(() => contender.read(`${run[where]}/large`), WARM_MS / 1000, 1);
      const start = performance.now();
      check(await contender.read(`${run[where]}/huge`), HUGE_BYTES);
      return { rate: (HUGE_BYTES / (performance.now() - start)) * 1000 };
    },
  };
}

/** Resident bytes after a full collection. */
function resident() {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** @type {HttpLoad[]} */
export const loads = [
  oneAtATime("http-get", "origin", "GET"),
  {
    name: "http-many",
    title: `${BATCH} GETs at once over 10 connections`,
    metrics: [{ id: "rate", label: `${BATCH} GETs at once over 10 connections`, unit: "/s", better: "higher" }],
    async measure(contender, run) {
      const many = /** @type {NonNullable<HttpContender["many"]>} */ (contender.many?.bind(contender));
      const once = async () => check(await many(`${run.origin}/small`, BATCH), BATCH * SMALL_BYTES);
      await timesOf(once, WARM_MS / 1000, 1);
      return { rate: BATCH / quantile(await timesOf(once, run.seconds, 2), 0.5) };
    },
  },
  {
    name: "http-1mb",
    title: "GET of 1 MB as a whole",
    metrics: [{ id: "rate", label: "GET of 1 MB as a whole", unit: "B/s", better: "higher" }],
    async measure(contender, run) {
      const once = async () => check((await contender.get(`${run.origin}/large`)).length, LARGE_BYTES);
      await timesOf(once, WARM_MS / 1000, 1);
      return { rate: LARGE_BYTES / quantile(await timesOf(once, run.seconds, 3), 0.5) };
    },
  },
  bulk("http-256mb", "origin", "GET of 256 MB in pieces"),
  {
    name: "http-post",
    title: "POST of 16 MB",
    rounds: 3,
    metrics: [{ id: "rate", label: "POST of 16 MB", unit: "B/s", better: "higher" }],
    async measure(contender, run) {
      const body = Buffer.alloc(POST_BYTES, "x");
      const once = async () => check(await contender.post(`${run.origin}/post`, body), 200);
      await timesOf(once, WARM_MS / 1000, 1);
      return { rate: POST_BYTES / quantile(await timesOf(once, run.seconds, 3), 0.5) };
    },
  },
  oneAtATime("https-get", "secure", "HTTPS GET"),
  bulk("https-256mb", "secure", "HTTPS GET of 256 MB in pieces"),
  {
    name: "http-cold-start",
    title: "cold start to the first answer",
    cold: true,
    metrics: [
      { id: "wall", label: "cold start to the first answer, whole process", unit: "s", better: "lower" },
      { id: "import", label: "import to the first answer, without Node's start", unit: "s", better: "lower" },
    ],
    async measure(contender, run) {
      check((await contender.get(`${run.origin}/small`)).length, SMALL_BYTES);
      return {};
    },
  },
  {
    name: "http-memory",
    title: "memory of the process",
    rounds: 2,
    nodeFlags: ["--expose-gc"],
    metrics: [
      { id: "gets", label: "resident memory after GETs for half a second", unit: "B", better: "lower" },
      { id: "most", label: "most resident memory after 256 MB in pieces", unit: "B", better: "lower" },
    ],
    async measure(contender, run) {
      await timesOf(() => contender.get(`${run.origin}/small`), 0.5, 1);
      const gets = resident();
      check(await contender.read(`${run.origin}/huge`), HUGE_BYTES);
      return { gets, most: process.resourceUsage().maxRSS * 1024 };
    },
  },
];
