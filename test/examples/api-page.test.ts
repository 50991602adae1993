/**
 * docs/api.md: its examples run and print what they say, and it names everything that the package exports.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ringnet from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { runExample } from "../support/examples.js";
import { startPeer } from "../support/peers.js";
import { root } from "../support/processes.js";
import { Authority } from "../tls/support/certificates.js";
import { startStarttls } from "../tls/support/servers.js";
import { publicNames } from "./declarations.js";

const PAGE = readFileSync(join(root, "docs/api.md"), "utf8");

interface Example {
  heading: string;
  source: string;
  /** What it prints, as its comments say. */
  output: string[];
}

/** The ```js blocks, each with its heading. */
function examples(): Example[] {
  const found: Example[] = [];
  let heading = "";
  for (const [, title, source] of PAGE.matchAll(/^#+ ([^\n]*)$|^```js\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title;
    else found.push({ heading, source: source as string, output: outputOf(source as string) });
  }
  return found;
}

/** The comment behind a `console.log`, or the comments on the lines after it. */
function outputOf(source: string): string[] {
  const output: string[] = [];
  let printed = false;
  for (const line of source.split("\n")) {
    if (line.includes("console.log(")) {
      const comment = /\); \/\/ (.*)$/.exec(line)?.[1];
      if (comment !== undefined) output.push(comment);
      printed = comment === undefined;
    } else {
      const comment = /^\s*\/\/ (.*)$/.exec(line)?.[1];
      if (printed && comment !== undefined) output.push(comment);
      else printed = false;
    }
  }
  return output;
}

describe("the examples of docs/api.md", () => {
  let given: object;

  beforeAll(() => {
    const authority = new Authority("root of the page");
    const { cert, key } = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
    given = {
      echo: startPeer("echo").port,
      news: startPeer("halfClosed", { text: "one\ntwo\nthree\n" }).port,
      silent: startPeer("silent").port,
      secure: startPeer("echo", { tls: { cert, key } }).port,
      starttls: startStarttls({ cert, key }).port,
      ca: authority.cert,
    };
  });

  test("are found, and most print something", () => {
    expect(examples().length).toBeGreaterThan(20);
    expect(examples().filter(({ output }) => output.length > 0).length).toBeGreaterThan(20);
  });

  test.each(examples().map((each) => [each.heading, each] as const))("run: %s", (_heading, { source, output }) => {
    const outcome = runExample(source, given);
    expect(outcome.errors).toBe("");
    expect(outcome.code).toBe(0);
    expect(outcome.output.trimEnd().split("\n")).toEqual(output);
  });
});

describe("the page names", () => {
  test("every export of the package", () => {
    for (const name of [...Object.keys(ringnet), ...publicNames().types]) expect(PAGE).toContain(name);
  });

  const classes = publicNames().classes.map(({ name, members }) => [name, members] as const);
  const common = classes.find(([name]) => name === "Handle")?.[1] ?? [];

  test.each(classes)("every member of %s", (name, members) => {
    const start = PAGE.indexOf(`## class ${name}\n`);
    expect(start).toBeGreaterThan(0);
    const section = PAGE.slice(start, PAGE.indexOf("\n## ", start + 10));
    const own = name === "Handle" ? members : members.filter((member) => !common.includes(member));
    for (const member of own) expect(section).toMatch(new RegExp(`\\b${member}\\b`));
  });
});
