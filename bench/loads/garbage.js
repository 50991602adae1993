/**
 * Collections of garbage a million messages: 64 bytes each, there and back, 64 under way. V8 itself reports its
 * collections, in workers too.
 */
const BYTES = 64;
const WINDOW = 64;
const WARM_MS = 400;

/** @type {import("../contenders/contract.js").Load} */
export default {
  name: "garbage",
  title: "garbage collections",
  service: "echo",
  nodeFlags: ["--trace-gc"],
  rounds: 3,
  metrics: [
    { id: "collections", label: "collections a million messages", unit: "", better: "lower" },
    { id: "pauses", label: "their pauses, a million messages", unit: "s", better: "lower" },
  ],
  blocking(run, contender) {
    const connection = contender.connect(run.host, run.port);
    const message = Buffer.alloc(BYTES);
    const target = Buffer.alloc(BYTES * WINDOW);
    let from = 0;
    let done = 0;
    for (const end = WARM_MS + run.seconds * 3000; performance.now() < end; done += WINDOW) {
      if (from === 0 && performance.now() > WARM_MS) {
        from = performance.now();
        done = 0;
      }
      for (let i = 0; i < WINDOW; i++) connection.send(message);
      for (let got = 0; got < BYTES * WINDOW; ) got += connection.receive(target);
    }
    return { from, done };
  },
  async events(run, contender) {
    const socket = await contender.connect(run.host, run.port);
    const message = Buffer.alloc(BYTES);
    let from = 0;
    let done = 0;
    let got = 0;
    await new Promise((resolve) => {
      const end = WARM_MS + run.seconds * 3000;
      const write = () => {
        for (let i = 0; i < WINDOW; i++) socket.write(message);
      };
      socket.on("data", (bytes) => {
        got += bytes.length;
        if (got < BYTES * WINDOW) return;
        got = 0;
        done += WINDOW;
        if (from === 0 && performance.now() > WARM_MS) {
          from = performance.now();
          done = 0;
        }
        if (performance.now() < end) write();
        else resolve(null);
      });
      write();
    });
    return { from, done };
  },
  /** A line of V8's says when since its thread's start, which kind, and how long. */
  combine({ from = 0, done = 0 }, _, text) {
    const lines = text.map((line) => /\] +(\d+) ms: (?:Scavenge|Mark-Compact).*? (\d+\.\d+) \/ /.exec(line));
    const seen = lines.filter((line) => line !== null && Number(line[1]) >= from);
    const pauses = seen.reduce((sum, line) => sum + Number(line?.[2]) / 1000, 0);
    return { collections: (seen.length / done) * 1e6, pauses: (pauses / done) * 1e6 };
  },
};
