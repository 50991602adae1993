/**
 * docs/http.md: its examples run and print what they say, and it names everything that ringnet/http exports.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as http from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { runExample } from "../support/examples.js";
import { root } from "../support/processes.js";
import { Authority } from "../tls/support/certificates.js";
import { startNodeServer } from "./support/servers.js";

const PAGE = readFileSync(join(root, "docs/http.md"), "utf8");
const EXAMPLES = [...PAGE.matchAll(/^#+ ([^\n]*)$|^```js\n(.*?)^```$/gms)];

/** The comment behind a `console.log`, or the comments on the lines after it. */
function outputOf(source: string): string[] {
  return source
    .split("\n")
    .map((line) => /^\s*\/\/ (.*)$/.exec(line)?.[1] ?? /console\.log\(.*\); \/\/ (.*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined);
}

describe("the examples of docs/http.md", () => {
  let given: object;
  let heading = "";
  const named = EXAMPLES.flatMap(([, title, source]) => {
    if (title !== undefined) heading = title;
    return source === undefined ? [] : [[heading, source] as const];
  });

  beforeAll(() => {
    const authority = new Authority("root of the page");
    const secure = startNodeServer(authority.issue({ names: ["localhost"] }));
    given = { origin: startNodeServer().origin, secure: secure.origin, ca: authority.cert };
  });

  test.each(named)("run: %s", (_heading, source) => {
    const outcome = runExample(source, given);
    expect(outcome.errors).toBe("");
    expect(outcome.output.trimEnd().split("\n")).toEqual(outputOf(source));
  });

  test("are found", () => {
    expect(named.length).toBeGreaterThan(10);
  });
});

describe("the page names", () => {
  test("every export", () => {
    const types = readFileSync(join(root, "src/http/index.ts"), "utf8").matchAll(/export (?:type )?\{([^}]*)\} from/g);
    const names = [...types].flatMap(([, list = ""]) =>
      list.split(",").map((name) => name.replace("type ", "").trim()),
    );
    expect(names.length).toBeGreaterThan(8);
    expect([...Object.keys(http), ...names].filter((name) => !PAGE.includes(name))).toEqual([]);
  });

  test("every member of HttpResponse", () => {
    const members = Object.getOwnPropertyNames(http.HttpResponse.prototype).filter(
      (name) => !["constructor", "onClose", "watch"].includes(name),
    );
    expect(members.length).toBeGreaterThan(20);
    expect(members.filter((member) => !new RegExp(`^#.*\\b${member}\\b`, "m").test(PAGE))).toEqual([]);
  });

  test("every code of src/http", () => {
    const source = ["call", "content-decoding", "exchange", "response", "response-reader"].map((name) =>
      readFileSync(join(root, `src/http/${name}.ts`), "utf8"),
    );
    const codes = new Set(
      [...source.join("").matchAll(/"(ERR_[A-Z_]+|E[A-Z]{4,})"/g)].map(([, code]) => code as string),
    );
    for (const inner of ["EPIPE", "ERR_BUFFER_TOO_LARGE"]) codes.delete(inner); // internal
    expect(codes.size).toBeGreaterThan(5);
    expect([...codes].filter((code) => !PAGE.includes(`\`${code}\``))).toEqual([]);
  });
});
