/** Many connections, each with one 64-byte request under way: how many answers a second. */
import { blockingTurns, eventTurns } from "./turns.js";

/** @param {Map<number, import("./turns.js").Taken>} turns */
const rates = (turns) => Object.fromEntries([...turns].map(([count, { done, wall }]) => [count, done / wall]));

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "requests",
  title: "request and response over many connections",
  service: "echo",
  numbers: [1, 10, 100, 1000],
  metrics: [1, 10, 100, 1000].map((count) => ({
    id: `${count}`,
    label: `requests over ${count.toLocaleString("en")} connection${count > 1 ? "s" : ""}`,
    unit: "/s",
    better: "higher",
  })),
  blocking: (run, contender) => rates(blockingTurns(run, contender)),
  events: async (run, contender) => rates(await eventTurns(run, contender)),
};
