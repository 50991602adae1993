/** The loads of WebSockets in the order of the report. What the contenders and the server share is here, too. */

/** Bytes of a message, by load. */
export const BYTES = { echo: 64, flood: 100, large: 1_000_000 };
/**
 * Messages of a load's first, short run, whose speed decides the number of messages of the measured run. It is also the warm-up: the first
 * hundreds of large messages cost several times as much as the later ones, until the memory of both threads' heaps has grown.
 */
const TRIAL = { flood: 20_000, large: 400 };
const MOST = 2_000_000;
const WARM_MS = 150;

/**
 * What a contender does. A load awaits each call: what blocks returns a plain value. A flood is asked for by a message, `send N BYTES` or
 * `take N`; the server answers the latter with one message when it has them all.
 * @typedef {object} WebSocketContender
 * @property {(url: string) => unknown} open
 * @property {(message: string, times: number[], until: number) => unknown} echo sends `message` and waits for its echo until that time, by
 * `performance.now()`, and adds the times in seconds
 * @property {(message: string, count: number) => unknown} receive sends `message` and receives `count` messages
 * @property {(message: string, data: Uint8Array, count: number) => unknown} send sends `message`, then `data` so many
 * times, and receives a message
 */

/**
 * @typedef {object} WebSocketLoad
 * @property {string} name
 * @property {string} title
 * @property {import("../contenders/contract.js").Metric[]} metrics
 * @property {(contender: WebSocketContender, seconds: number) => Promise<import("../contenders/contract.js").Result>} measure
 */

/** @param {"flood" | "large"} name @param {string} title @param {"/s" | "B/s"} unit @returns {WebSocketLoad} */
function stream(name, title, unit) {
  const bytes = BYTES[name];
  return {
    name: `websocket-${name}`,
    title,
    metrics: [
      { id: "received", label: `${title}, received`, unit, better: "higher" },
      { id: "sent", label: `${title}, sent`, unit, better: "higher" },
    ],
    async measure(contender, seconds) {
      const data = Buffer.alloc(bytes, "x");
      /** @param {(count: number) => unknown} run */
      const rate = async (run) => {
        let perSecond = 0;
        let count = TRIAL[name];
        for (const share of [0, 0.5, 1]) {
          if (share > 0) count = Math.ceil(Math.min(MOST, perSecond * seconds * share));
          const start = performance.now();
          await run(count);
          perSecond = (count / (performance.now() - start)) * 1000;
        }
        return unit === "B/s" ? perSecond * bytes : perSecond;
      };
      return {
        received: await rate((count) => contender.receive(`send ${count} ${bytes}`, count)),
        sent: await rate((count) => contender.send(`take ${count}`, data, count)),
      };
    },
  };
}

/** @type {WebSocketLoad[]} */
export const loads = [
  {
    name: "websocket-echo",
    title: `WebSocket echo of ${BYTES.echo} bytes, one at a time`,
    metrics: [
      { id: "p50", label: "WebSocket echo, p50", unit: "s", better: "lower" },
      { id: "p99", label: "WebSocket echo, p99", unit: "s", better: "lower" },
    ],
    async measure(contender, seconds) {
      const message = "x".repeat(BYTES.echo);
      await contender.echo(message, [], performance.now() + WARM_MS);
      /** @type {number[]} */
      const times = [];
      await contender.echo(message, times, performance.now() + seconds * 1000);
      times.sort((a, b) => a - b);
      const at = (/** @type {number} */ part) => /** @type {number} */ (times[Math.floor(times.length * part)]);
      return { p50: at(0.5), p99: at(0.99) };
    },
  },
  stream("flood", `WebSocket messages of ${BYTES.flood} bytes`, "/s"),
  stream("large", "WebSocket messages of 1 MB", "B/s"),
];
