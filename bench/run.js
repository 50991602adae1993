/**
 * The benchmark: `npm run bench [-- sockets|http|websocket] [--quick] [--only LOAD,…] [--contenders NAME,…] [--rounds N] [--seconds S]`.
 *
 * Each load runs all contenders in rounds, A B C A B C …, so that whatever else the machine does hits them alike. Each
 * contender gets a fresh process against the same peer in another process. What counts is the median of the rounds.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import { judgeBars } from "./report/bars.js";
import { drawCharts } from "./report/chart.js";
import { describeMachine, machineText } from "./report/machine.js";
import { summarize } from "./report/statistics.js";
import { layOut, tableCells } from "./report/table.js";
import { sockets } from "./sockets.js";
import { suites } from "./suites.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    contenders: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    charts: { type: "boolean", default: false },
  },
});

const [chosen] = positionals;
if (positionals.length > 1 || (chosen !== undefined && !suites.some(({ name }) => name === chosen))) {
  throw new Error(`expected one of ${suites.map(({ name }) => name).join(", ")}, not "${positionals.join(" ")}"`);
}
const taken = suites.filter(({ name }) => chosen === undefined || name === chosen);

/**
 * The entries of `all` that are named; `all` without names. Throws if a name is not `known`.
 * @template {{ name: string }} T
 * @param {T[]} all @param {string | undefined} names @param {string[]} known
 */
function choose(all, names, known) {
  const wanted = names?.split(",");
  const unknown = wanted?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there are ${known.join(", ")}`);
  return wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name));
}

const knownLoads = ["rings", ...taken.flatMap(({ loads }) => loads.map(({ name }) => name))];
const knownContenders = taken.flatMap(({ contenders }) => contenders.map(({ name }) => name));
const rings =
  (chosen === undefined || chosen === "sockets") &&
  (options.only === undefined || options.only.split(",").includes("rings"));
const coreRounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 0.15 : 0.4));

/**
 * Rounds that a contender takes part in. @param {import("./contenders/index.js").Contender} contender @param
 * {import("./suites.js").AnyLoad} load
 */
function roundsOf(contender, load) {
  if (options.rounds !== undefined) return coreRounds;
  const most = load.rounds === undefined ? coreRounds : Math.min(load.rounds, options.quick ? 1 : coreRounds);
  return contender.core ? most : Math.ceil(most / 2);
}

const began = performance.now();
const built = build();
const machine = describeMachine(built);
console.log(machineText(machine));
const busy = (machine.load[0] ?? 0) > machine.cores / 4;
if (busy)
  console.log(`the machine is busy (load ${machine.load[0]}): the rounds share that, but the numbers are not its best`);

/** @type {import("./report/table.js").Row[]} */
const rows = [];
/** @type {Map<string, string>} */
const remarks = new Map();

/**
 * Runs a load in rounds.
 * @param {import("./suites.js").Running<import("./suites.js").AnyLoad>} running
 * @param {import("./suites.js").AnyLoad} load @param {import("./contenders/index.js").Contender[]} taking
 */
async function resultsOf(running, load, taking) {
  /** @type {Map<string, import("./contenders/contract.js").Result[]>} */
  const results = new Map();
  /** @type {Map<string, number>} */
  const failures = new Map();
  for (let round = 0; round < coreRounds; round++) {
    for (const contender of taking) {
      const failed = failures.get(contender.name) ?? 0;
      if (round >= roundsOf(contender, load) || failed > 1) continue; // one failure may be the machine's, two are not
      try {
        const result = await running.trial(load, contender.name);
        results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
      } catch (error) {
        failures.set(contender.name, failed + 1);
        const times = failed > 0 ? "failed twice" : "failed once";
        remarks.set(`${load.title}: ${contender.title}`, `${times}: ${/** @type {Error} */ (error).message}`);
      }
    }
  }
  return results;
}

for (const suite of taken) {
  const loads = choose(suite.loads, options.only, knownLoads);
  const contenders = choose(suite.contenders, options.contenders, knownContenders);
  if (loads.length === 0 || contenders.length === 0) continue;
  let running;
  try {
    running = await suite.start({ built, seconds });
  } catch (error) {
    remarks.set(suite.name, `left out: ${/** @type {Error} */ (error).message}`);
    continue;
  }
  for (const load of loads) {
    const taking = contenders.filter((contender) => {
      if (contender.only && !contender.only.includes(load.name)) return false;
      const reason = contender.lacks[load.name] ?? running.lack(contender, load);
      if (reason) remarks.set(`${load.title}: ${contender.title}`, reason);
      return !reason;
    });
    const results = await resultsOf(running, load, taking);
    const own = load.metrics.map((metric) => {
      /** @type {import("./report/table.js").Row["by"]} */
      const by = {};
      for (const [name, list] of results) {
        const samples = list.map((result) => result[metric.id]).filter((value) => value !== undefined);
        if (samples.length > 0) by[name] = summarize(samples);
      }
      return { load: load.name, metric, by };
    });
    rows.push(...own);
    const shown = contenders.filter(({ only }) => !only || only.includes(load.name));
    const elapsed = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`\n${load.title} (${elapsed} s)\n${layOut(tableCells(own, shown, suite.rivals))}`);
  }
  running.stop();
}

// Imported only now, because it needs what `build` has built.
const micro = rings ? await (await import("./micro.js")).measureRings(options.quick ? 30 : 150) : [];
if (micro.length > 0)
  console.log(`\nrings, one thread\n${layOut([["", "median", "a second"], ...micro.map((one) => one.cells)])}`);

if (remarks.size > 0) console.log(`\nleft out, or failed\n${layOut([...remarks].map(([what, why]) => [what, why]))}`);
const judged = judgeBars(rows);
if (judged.length > 0) {
  console.log(`\nbars\n${layOut(judged.map(({ text, verdict, found }) => [text, found, verdict]))}`);
}

const whole = chosen === undefined && options.only === undefined && options.contenders === undefined && !options.quick;
const date = new Date().toISOString().slice(0, 10);
const folder = new URL("./results/", import.meta.url);
mkdirSync(folder, { recursive: true });
const file = new URL(`${date}${whole ? "" : "-partial"}.json`, folder);
const about = { date: new Date().toISOString(), machine, rounds: coreRounds, seconds, quick: options.quick };
const contenders = Object.fromEntries(taken.map((suite) => [suite.name, suite.contenders]));
const report = { ...about, contenders, rows, rings: micro, bars: judged, remarks: Object.fromEntries(remarks) };
writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
if (whole || options.charts) {
  const caption = [`medians of ${coreRounds} interleaved rounds, ${date}`, machineText(machine)];
  for (const [name, svg] of Object.entries(drawCharts(rows, sockets.contenders, caption))) {
    writeFileSync(new URL(name, folder), svg);
  }
}
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s; written to ${fileURLToPath(file)}`);
