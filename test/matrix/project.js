/**
 * Folders in which a cell of the matrix builds and runs: they see the installed tools and the packed package, and what they build runs in
 * another folder, where there is nothing but the build.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const TIMEOUT_MS = 180_000;

export class Project {
  /** @param {string} tools the folder in whose `node_modules` the tools and the package are */
  constructor(tools, name) {
    this.tools = tools;
    this.folder = join(tools, "cells", name.replace(/\W+/g, "-"));
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  /** Writes files, given as `{ path: text }`; objects become JSON. */
  write(files) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), typeof text === "string" ? text : JSON.stringify(text));
    }
  }

  /** Runs a command in the folder; gives what it printed, throws if it fails. Tools are found by their names. */
  run(command, args, { env = {}, cwd = this.folder, node = process.execPath } = {}) {
    const path = [dirname(node), join(this.tools, "node_modules/.bin"), process.env.PATH].join(delimiter);
    const clean = { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined, NODE_ENV: undefined };
    const done = spawnSync(command, args, {
      cwd,
      env: { ...clean, PATH: path, NO_COLOR: "1", ...env },
      encoding: "utf8",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = `${done.stdout}${done.stderr}`;
    if (done.status !== 0) {
      const how = done.error?.message ?? `exit code ${done.status}`;
      throw new Error(`${[command, ...args].join(" ")}: ${how}\n${text.slice(-3000)}`);
    }
    return text;
  }

  /** Copies a built file or folder to where there is nothing else, runs `command` with the file's path there, and expects "works". */
  runAlone(built, file, command = (path) => [process.execPath, path]) {
    const alone = mkdtempSync(join(tmpdir(), "ringnet-alone-"));
    try {
      cpSync(join(this.folder, built), join(alone, built), { recursive: true });
      const [program, ...args] = command(join(alone, file));
      expectWorks(this.run(program, args, { cwd: alone }));
    } finally {
      rmSync(alone, { recursive: true, force: true });
    }
  }
}

/** Throws unless the program said that it works. */
export function expectWorks(text) {
  if (!/^works$/m.test(text)) throw new Error(`"works" was not printed, but ${text.slice(-3000)}`);
}
