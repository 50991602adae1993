/** Test runners, and what runs TypeScript without a build. */

import { esm, testOf } from "./program.js";

const EXPERIMENTAL = { env: { NODE_OPTIONS: "--experimental-vm-modules" } };
const TSCONFIG = (module) => ({
  compilerOptions: {
    module,
    moduleResolution: module === "commonjs" ? "node10" : module,
    target: "es2022",
    esModuleInterop: true,
    skipLibCheck: true,
    types: ["node"],
  },
});

const RUNNERS = [
  [
    "node --test",
    "ES module",
    { "a.test.mjs": testOf("esm", 'import { test } from "node:test";\n') },
    "node",
    ["--test", "a.test.mjs"],
  ],
  [
    "node --test",
    "CommonJS",
    { "a.test.cjs": testOf("cjs", 'const { test } = require("node:test");\n') },
    "node",
    ["--test", "a.test.cjs"],
  ],
  ["jest", "CommonJS", { "package.json": {}, "a.test.js": testOf("cjs", "") }, "jest", ["--rootDir=.", "--verbose"]],
  [
    "jest",
    "ES module",
    { "package.json": { type: "module" }, "jest.config.json": { transform: {} }, "a.test.js": testOf("esm", "") },
    "jest",
    ["--rootDir=.", "--verbose"],
    EXPERIMENTAL,
  ],
  ["mocha", "CommonJS", { "a.test.cjs": testOf("cjs", "", "it") }, "mocha", ["--timeout", "60000", "a.test.cjs"]],
  ["mocha", "ES module", { "a.test.mjs": testOf("esm", "", "it") }, "mocha", ["--timeout", "60000", "a.test.mjs"]],
  ...["threads", "forks", "vmThreads", "vmForks"].map((pool) => [
    `vitest --pool=${pool}`,
    "ES module",
    {
      "package.json": { type: "module" },
      "vitest.config.js": "export default {};",
      "a.test.js": testOf("esm", 'import { test } from "vitest";\n'),
    },
    "vitest",
    ["run", "--root=.", `--pool=${pool}`, "--testTimeout=60000", "--reporter=verbose"],
  ]),
  ["tsx", "ES module", { "package.json": { type: "module" }, "a.ts": esm }, "tsx", ["a.ts"]],
  ["tsx", "CommonJS", { "package.json": {}, "a.ts": esm }, "tsx", ["a.ts"]],
  [
    "ts-node",
    "CommonJS",
    { "package.json": {}, "tsconfig.json": TSCONFIG("node16"), "a.ts": `${esm}\nexport {};\n` },
    "ts-node",
    ["a.ts"],
  ],
  [
    "ts-node",
    "ES module",
    { "package.json": { type: "module" }, "tsconfig.json": TSCONFIG("nodenext"), "a.ts": esm },
    "node",
    ["--loader", "ts-node/esm", "a.ts"],
  ],
];

export function cells() {
  return RUNNERS.map(([row, column, files, command, args, options]) => ({
    table: "Test runners, and what runs TypeScript without a build",
    row,
    column,
    test(project) {
      project.write(files);
      // The name of the test, or what the program prints.
      const text = project.run(command === "node" ? process.execPath : command, args, options);
      if (!/\bworks\b/.test(text)) throw new Error(`nothing ran: ${text}`);
    },
  }));
}
