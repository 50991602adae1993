/**
 * The start of the networking thread: at first use, while the main thread blocks, whatever else is loaded into the process.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { type Peer, startPeer } from "../support/peers.js";
import { type ProgramOptions, runProgram } from "../support/programs.js";

/** Blocks from its first line to its last. */
const PROGRAM = `
  import { connect } from "ringnet";
  const socket = connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 });
  socket.write("hello");
  socket.end();
  let text = "";
  for (let piece; (piece = socket.read()) !== null; ) {
    text += piece;
    if (piece.length === 0) socket.waitUntilReadable(10_000);
  }
  socket.close();
  console.log(text);
`;

let peer: Peer;
let folder: string;

beforeAll(() => {
  peer = startPeer("echo");
  folder = temporaryFolder();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function expectToWork(options: ProgramOptions): void {
  const outcome = runProgram(PROGRAM, { ...options, args: [`${peer.port}`], timeout: 25_000 });
  expect(outcome).toMatchObject({ code: 0, output: "hello\n" });
}

test("starts at first use while the main thread blocks", () => {
  expectToWork({});
});

test("starts no thread on import, and one on first use", () => {
  const { output, errors } = runProgram(`
    import { createRequire, syncBuiltinESMExports } from "node:module";
    const threads = createRequire(import.meta.url)("node:worker_threads");
    let started = 0;
    threads.Worker = class extends threads.Worker {
      constructor(...args) {
        super(...args);
        started++;
      }
    };
    syncBuiltinESMExports();
    const { listen } = await import("ringnet");
    console.log(started);
    listen({ host: "127.0.0.1" }).close();
    listen({ host: "127.0.0.1" }).close();
    console.log(started);
  `);
  expect({ output, errors }).toEqual({ output: "0\n1\n", errors: "" });
});

test("starts from CommonJS that requires the package, where Node can", () => {
  const outcome = runProgram(
    `import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    let ringnet;
    try {
      ringnet = require("ringnet");
    } catch (error) {
      if (error.code !== "ERR_REQUIRE_ESM" && error.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw error;
      ringnet = await import("ringnet"); // Node 20 can't require ES modules
    }
    ringnet.connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 }).close();
    console.log("hello");`,
    { args: [`${peer.port}`] },
  );
  expect(outcome).toMatchObject({ code: 0, output: "hello\n" });
});

describe("starts with other things loaded into the process", () => {
  const preload = () =>
    pathToFileURL(file("preload.mjs", "globalThis.loaded = true; await new Promise((r) => setTimeout(r, 20));")).href;

  /** Hooks that run on a thread of their own and do some work for each module. */
  const hooks = () => {
    file(
      "hooks.mjs",
      `export async function resolve(specifier, context, next) {
        await new Promise((done) => setTimeout(done, 1));
        return next(specifier, context);
      }
      export async function load(url, context, next) {
        await new Promise((done) => setTimeout(done, 1));
        return next(url, context);
      }`,
    );
    return pathToFileURL(
      file("register.mjs", 'import { register } from "node:module"; register("./hooks.mjs", import.meta.url);'),
    ).href;
  };

  test("--import", () => expectToWork({ nodeArgs: ["--import", preload()] }));

  test("--require", () => expectToWork({ nodeArgs: ["--require", file("preload.cjs", "globalThis.loaded = true;")] }));

  test("NODE_OPTIONS=--import", () => expectToWork({ env: { NODE_OPTIONS: `--import=${preload()}` } }));

  test("NODE_OPTIONS with other options", () =>
    expectToWork({ env: { NODE_OPTIONS: "--max-old-space-size=200 --no-warnings --enable-source-maps" } }));

  test("module.register hooks by --import", () => expectToWork({ nodeArgs: ["--import", hooks()] }));

  test("module.register hooks by NODE_OPTIONS", () => expectToWork({ env: { NODE_OPTIONS: `--import=${hooks()}` } }));

  test("module.register hooks by the program itself", () => {
    const source = `import { register } from "node:module"; register(${JSON.stringify(new URL("hooks.mjs", hooks()).href)});
      const { connect } = await import("ringnet");
      connect({ host: "127.0.0.1", port: Number(process.argv[1]), timeout: 10_000 }).close();
      console.log("hello");`;
    const outcome = runProgram(source, { args: [`${peer.port}`], timeout: 25_000 });
    expect(outcome).toMatchObject({ code: 0, output: "hello\n" });
  });

  test("module.registerHooks, where Node has it", () => {
    const path = file(
      "sync.mjs",
      `import * as module from "node:module";
      module.registerHooks?.({ resolve: (specifier, context, next) => next(specifier, context), load: (url, context, next) => next(url, context) });`,
    );
    expectToWork({ nodeArgs: ["--import", pathToFileURL(path).href] });
  });

  test("an --import hook that uses the package itself", () => {
    const text = `data:text/javascript,${encodeURIComponent(
      `const { listen } = await import(${JSON.stringify(new URL("../../dist/index.mjs", import.meta.url).href)}); listen({ host: "127.0.0.1" }).close();`,
    )}`;
    expectToWork({ nodeArgs: ["--import", text] });
  });
});
