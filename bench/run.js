/**
 * The benchmark: `npm run bench [-- --quick] [--only LOAD,…] [--contenders NAME,…] [--rounds N] [--seconds S]`.
 *
 * Each load runs all contenders in rounds, A B C A B C …, so that whatever else the machine does hits them alike. Each
 * contender gets a fresh process against the same peer in another process. What counts is the median of the rounds.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.js";
import { contenders as everyContender } from "./contenders/index.js";
import { loads as everyLoad } from "./loads/index.js";
import { Program } from "./peers/process.js";
import { judgeBars } from "./report/bars.js";
import { drawCharts } from "./report/chart.js";
import { describeMachine, machineText } from "./report/machine.js";
import { summarize } from "./report/statistics.js";
import { layOut, tableCells } from "./report/table.js";
import { peerCommand, runTrial } from "./trial.js";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    contenders: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    charts: { type: "boolean", default: false },
  },
});

/**
 * @template {{ name: string }} T
 * @param {T[]} all @param {string | undefined} names
 */
function choose(all, names) {
  if (names === undefined) return all;
  return names.split(",").map((name) => {
    const found = all.find((one) => one.name === name);
    if (!found) throw new Error(`there is no "${name}"; there are ${all.map((one) => one.name).join(", ")}`);
    return found;
  });
}

const rings = options.only === undefined || options.only.split(",").includes("rings");
const named = options.only?.split(",").filter((name) => name !== "rings");
const loads = named === undefined ? everyLoad : named.length === 0 ? [] : choose(everyLoad, named.join(","));
const contenders = choose(everyContender, options.contenders);
const coreRounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 0.15 : 0.4));

/** Rounds that a contender takes part in. @param {import("./contenders/index.js").Contender} contender @param {any} load */
function roundsOf(contender, load) {
  if (options.rounds !== undefined) return coreRounds;
  const most = load.rounds === undefined ? coreRounds : Math.min(load.rounds, options.quick ? 1 : coreRounds);
  return contender.core ? most : Math.ceil(most / 2);
}

const began = performance.now();
const built = build(rings || contenders.some(({ name }) => name === "ringnet"));
const machine = describeMachine(built);
console.log(machineText(machine));
const busy = (machine.load[0] ?? 0) > machine.cores / 4;
if (busy)
  console.log(`the machine is busy (load ${machine.load[0]}): the rounds share that, but the numbers are not its best`);

/** Why a contender does not do a load, or null. @param {import("./contenders/index.js").Contender} contender @param {any} load */
function reasonAgainst(contender, load) {
  if (contender.name === "c" && !built.client) return "no C compiler, or not Linux";
  if (contender.name === "koffi" && process.platform !== "linux") return "written for Linux";
  if (load.service === "tls" && !built.certificate) return "no openssl to make a certificate";
  if (contender.name === "c" && load.service === "tls" && !built.client?.tls)
    return "OpenSSL is not there to link with";
  return contender.lacks[load.name] ?? null;
}

/** @type {Program[]} */
const peers = [];

/** Starts a peer and returns the ports of its services. @param {boolean} encrypted */
async function startPeer(encrypted) {
  const files = built.certificate ? [built.certificate.certificate, built.certificate.key] : [];
  const peer = new Program([...peerCommand(built, encrypted), "serve", ...files]);
  peers.push(peer);
  return peer.message(20);
}

const ports = await startPeer(false);
if (ports.tls === 0 && built.certificate) ports.tls = (await startPeer(true)).tls;

/** @type {import("./report/table.js").Row[]} */
const rows = [];
/** @type {Map<string, string>} */
const remarks = new Map();

for (const load of loads) {
  /** @type {Map<string, import("./contenders/contract.js").Result[]>} */
  const results = new Map();
  const taking = contenders.filter((contender) => {
    const reason = reasonAgainst(contender, load);
    if (reason) remarks.set(`${load.title}: ${contender.title}`, reason);
    return !reason;
  });
  /** @type {Map<string, number>} */
  const failures = new Map();
  for (let round = 0; round < coreRounds; round++) {
    for (const contender of taking) {
      const failed = failures.get(contender.name) ?? 0;
      if (round >= roundsOf(contender, load) || failed > 1) continue; // one failure may be the machine's, two are not
      try {
        const result = await runTrial({ built, ports, seconds }, load, contender.name);
        results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
      } catch (error) {
        failures.set(contender.name, failed + 1);
        const times = failed > 0 ? "failed twice" : "failed once";
        remarks.set(`${load.title}: ${contender.title}`, `${times}: ${/** @type {Error} */ (error).message}`);
      }
    }
  }
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
  const seconds_ = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`\n${load.title} (${seconds_} s)\n${layOut(tableCells(own, contenders))}`);
}
for (const peer of peers) peer.stop();

// Imported only now, because it needs what `build` has built.
const micro = rings ? await (await import("./micro.js")).measureRings(options.quick ? 30 : 150) : [];
if (micro.length > 0)
  console.log(`\nrings, one thread\n${layOut([["", "median", "a second"], ...micro.map((one) => one.cells)])}`);

if (remarks.size > 0) console.log(`\nleft out, or failed\n${layOut([...remarks].map(([what, why]) => [what, why]))}`);
const judged = judgeBars(rows);
if (judged.length > 0) {
  console.log(`\nbars\n${layOut(judged.map(({ text, verdict, found }) => [text, found, verdict]))}`);
}

const whole = options.only === undefined && options.contenders === undefined && !options.quick;
const date = new Date().toISOString().slice(0, 10);
const folder = new URL("./results/", import.meta.url);
mkdirSync(folder, { recursive: true });
const file = new URL(`${date}${whole ? "" : "-partial"}.json`, folder);
const about = { date: new Date().toISOString(), machine, rounds: coreRounds, seconds, quick: options.quick };
const report = { ...about, contenders, rows, rings: micro, bars: judged, remarks: Object.fromEntries(remarks) };
writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
if (whole || options.charts) {
  const caption = [`medians of ${coreRounds} interleaved rounds, ${date}`, machineText(machine)];
  for (const [name, svg] of Object.entries(drawCharts(rows, contenders, caption))) {
    writeFileSync(new URL(name, folder), svg);
  }
}
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s; written to ${fileURLToPath(file)}`);
