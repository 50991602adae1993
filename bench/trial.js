/** Runs one load by one contender once, with its peers, and returns what it measured. Runs in the orchestrator. */
import { fileURLToPath } from "node:url";
import { Program } from "./peers/process.js";

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Seconds without output after which a program is ended. */
const PATIENCE = 120;
/** The most seconds for a driver: longer than any contender measures. */
const DRIVER_SECONDS = 30;

/**
 * @typedef {object} Setting
 * @property {ReturnType<typeof import("./build.js").build>} built
 * @property {{ bulk: number, echo: number, tls: number }} ports of the peer's services
 * @property {number} seconds how long a measurement takes
 */

/** @typedef {import("./contenders/contract.js").Load} Load */

/** The command of the peer program. @param {Setting["built"]} built @param {boolean} [encrypted] it must speak TLS */
export function peerCommand(built, encrypted = false) {
  const native = built.peer && (built.peer.tls || !encrypted);
  return native && built.peer ? [built.peer.program] : [process.execPath, here("./peers/peer.js")];
}

let turn = 0;

/** A loopback address for each trial, so that closed connections' ports don't run out. */
function nextHost() {
  return process.platform === "linux" ? `127.0.0.${2 + (turn++ % 250)}` : "127.0.0.1";
}

/**
 * The command that measures.
 * @param {Setting} setting @param {Load} load @param {string} contender @param {{ host: string, port: number }} peer
 */
function command({ built, seconds }, load, contender, { host, port }) {
  const numbers = load.numbersOf?.[contender] ?? load.numbers ?? [];
  if (contender === "c") {
    return [/** @type {any} */ (built.client).program, load.name, host, port, seconds, ...numbers].map(String);
  }
  if (load.name === "cold-start") return [process.execPath, here(`./cold/${contender}.js`), host, `${port}`];
  const run = { host, port, seconds, numbers, certificate: built.certificate?.certificate };
  const flags = [...(load.nodeFlags ?? []), "--no-warnings"];
  return [process.execPath, ...flags, here("./measure.js"), load.name, contender, JSON.stringify(run)];
}

/**
 * Throws, with the reason, when the contender could not do it.
 * @param {Setting} setting @param {Load} load @param {string} contender
 * @returns {Promise<import("./contenders/contract.js").Result>}
 */
export async function runTrial(setting, load, contender) {
  const { built, ports } = setting;
  const driverCommand = peerCommand(built);
  /** @type {Program | null} */
  let driver = null;
  /** @type {Program | null} */
  let program = null;
  try {
    const peer = { host: nextHost(), port: load.service ? ports[load.service] : 0 };
    if (load.driver === "sink") {
      driver = new Program([...driverCommand, "sink"]);
      peer.host = "127.0.0.1";
      peer.port = (await driver.message(PATIENCE)).port;
    }
    program = new Program(command(setting, load, contender, peer), {
      CERTIFICATE: built.certificate?.certificate ?? "",
    });
    if (load.driver === "flood" || load.driver === "clients") {
      const { ready } = await program.message(PATIENCE);
      const size = load.driver === "flood" ? (load.numbers ?? []) : [];
      driver = new Program([...driverCommand, load.driver, ready, ...size, DRIVER_SECONDS].map(String));
    }
    const { at, ...result } = await program.message(PATIENCE);
    if (load.name === "cold-start") {
      const exit = ((await program.end(PATIENCE)) - program.started) / 1000;
      const wall = (at - program.started) / 1000;
      return contender === "c" ? { wall, exit } : { wall, import: result.first, exit };
    }
    if (!load.combine) return result;
    await program.end(PATIENCE);
    return load.combine(result, load.driver === "sink" ? await driver?.message(PATIENCE) : null, program.text);
  } finally {
    program?.stop();
    driver?.stop();
    await Promise.all([program?.end(5), driver?.end(5)]);
  }
}
