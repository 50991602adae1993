/**
 * From the start of the process to the first byte that came back from the peer, Node's own start included, and from the
 * import on; and how long the whole process lives. bench/cold/ has a program for each contender.
 */
const never = () => {
  throw new Error("cold-start runs programs of its own");
};

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "cold-start",
  title: "cold start",
  service: "bulk",
  metrics: [
    { id: "wall", label: "cold start to first byte, whole process", unit: "s", better: "lower" },
    { id: "import", label: "import to first byte, without Node's start", unit: "s", better: "lower" },
    { id: "exit", label: "cold start to first byte to exit", unit: "s", better: "lower" },
  ],
  blocking: never,
  events: never,
};
