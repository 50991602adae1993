/**
 * The package's entry points: `import` and `require` get the same code from each.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTRIES } from "../../packaging/entries.js";
import { Process, root } from "../support/processes.js";
import { runProgram } from "../support/programs.js";

const names = Object.entries(ENTRIES as Record<string, { path?: string }>).map(([entry, { path = entry }]) =>
  path === "index" ? "ringnet" : `ringnet/${path}`,
);

test("package.json exports the entry points of packaging/entries.js", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
  expect(Object.keys(exports)).toEqual([...names.map((name) => name.replace("ringnet", ".")), "./package.json"]);
});

test.each(["user.mjs", "user.cjs"])("%s serves, connects, fails and ends", (program) => {
  const run = new Process(process.execPath, [`test/package/programs/${program}`]);
  run.waitForOutput(/^works$/m, 20_000);
  run.waitForExit();
  expect({ alive: run.alive, errors: run.errors }).toEqual({ alive: false, errors: "" });
});

describe("import and require give the same objects", () => {
  test.each(names)("%s", (name) => {
    const { output, errors } = runProgram(
      `import * as imported from "${name}";
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url)("${name}");
      const others = Object.keys(imported).filter((key) => key !== "default" && imported[key] !== required[key]);
      const missing = Object.keys(required).filter((key) => !(key in imported));
      console.log(JSON.stringify({ others, missing, count: Object.keys(imported).length > 0 }));`,
    );
    expect({ output, errors }).toEqual({ output: '{"others":[],"missing":[],"count":true}\n', errors: "" });
  });
});

test("a program with sockets only loads no HTTP code and no Node modules for it", () => {
  const { output, errors } = runProgram(
    `import "ringnet";
    import { createRequire } from "node:module";
    const files = Object.keys(createRequire(import.meta.url).cache).map((file) => file.replace(/.*[\\\\/]/, ""));
    const builtins = ["zlib", "crypto", "assert"].filter((name) => process.moduleLoadList.includes("NativeModule " + name));
    console.log(JSON.stringify({ core: files.includes("core.cjs"), common: files.includes("common.cjs"), builtins }));`,
  );
  expect({ output, errors }).toEqual({ output: '{"core":true,"common":false,"builtins":[]}\n', errors: "" });
});

test("a thread that requires can attach what a thread that imports has detached", () => {
  const { output, errors } = runProgram(
    `import { Worker, receiveMessageOnPort, MessageChannel } from "node:worker_threads";
    import { listen, connect } from "ringnet";
    const server = listen({ host: "127.0.0.1" });
    const client = connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 });
    const token = server.acceptWait(10_000).detach();
    const worker = new Worker(
      'const { TcpSocket } = require("ringnet"); const { workerData } = require("node:worker_threads");' +
      'const socket = TcpSocket.attach(workerData); socket.writeAll("from there"); socket.end(); socket.close();',
      { eval: true, execArgv: [], workerData: token },
    );
    console.log(String(client.readAll(10_000)));`,
  );
  expect({ output, errors }).toEqual({ output: "from there\n", errors: "" });
});
