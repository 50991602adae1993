/** What the numbers were measured on. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

/** @param {string} command @param {string[]} flags */
function firstLine(command, flags) {
  try {
    return execFileSync(command, flags, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0] ?? "";
  } catch {
    return "";
  }
}

/** @param {string} name */
function rivalVersion(name) {
  try {
    return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
  } catch {
    return "missing";
  }
}

/** @param {ReturnType<typeof import("../build.js").build>} built */
export function describeMachine(built) {
  const rivals = ["synckit", "@bytecodealliance/preview2-shim", "koffi", "undici", "sync-request", "sync-fetch", "ws"];
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.cpus().length,
    memory: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    openssl: process.versions.openssl,
    compiler: built.compiler ? firstLine(built.compiler, ["--version"]) : "none",
    peer: built.peer ? `C${built.peer.tls ? " with OpenSSL" : ""}` : "Node",
    load: os.loadavg().map((value) => Number(value.toFixed(2))),
    rivals: Object.fromEntries(rivals.map((name) => [name, rivalVersion(name)])),
  };
}

/** @param {ReturnType<typeof describeMachine>} machine */
export function machineText(machine) {
  const { cpu, cores, memory, system, node } = machine;
  return `${cpu}, ${cores} cores, ${Math.round(memory / 2 ** 30)} GiB, ${system}, Node ${node}; peers: ${machine.peer}`;
}
