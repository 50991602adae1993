/**
 * Starts, stops and kills the soak's peer. Runs in the soak, whose thread blocks: nothing here needs its event loop.
 */

import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const unnotified = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. @param {number} milliseconds */
export function pause(milliseconds) {
  Atomics.wait(unnotified, 0, 0, milliseconds); // no partner: no thread notifies
}

let started = 0;

export class PeerProcess {
  /** @param {string} folder */
  constructor(folder) {
    const name = `peer-${++started}`;
    const output = openSync(join(folder, `${name}.errors`), "w");
    this.errors = join(folder, `${name}.errors`);
    const script = fileURLToPath(new URL("peer.js", import.meta.url));
    this.child = spawn(process.execPath, [script, folder, name], { stdio: ["pipe", output, output] });
    closeSync(output);
    const path = join(folder, `${name}.json`);
    for (let i = 0; !existsSync(path); i++) {
      if (i > 4000) throw new Error(`the peer does not start: ${readFileSync(this.errors, "utf8")}`);
      pause(5);
    }
    /** Ports by kind, and the Unix socket's path. */
    this.ports = JSON.parse(readFileSync(path, "utf8"));
  }

  /** Stops it for a while. Another process resumes it, because this one may be waiting for it. */
  stop(milliseconds) {
    const { pid } = this.child;
    spawn("sh", ["-c", `kill -STOP ${pid}; sleep ${milliseconds / 1000}; kill -CONT ${pid}`], {
      stdio: "ignore",
    }).unref();
  }

  kill() {
    process.kill(this.child.pid, "SIGKILL");
    this.child.stdin.destroy();
  }
}
