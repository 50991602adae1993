/**
 * Every public name has a docstring.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { publicNames } from "./declarations.js";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

const { classes, interfaces, functions } = publicNames();

test("finds the exports", () => {
  expect(classes.map(({ name }) => name).sort()).toEqual([
    "Address",
    "Datagram",
    "Deadline",
    "Handle",
    "Input",
    "NetError",
    "Poller",
    "Runtime",
    "TcpServer",
    "TcpSocket",
    "UdpSocket",
  ]);
  expect(classes.find(({ name }) => name === "TcpSocket")?.members).toEqual(
    expect.arrayContaining(["attach", "read", "remotePort", "readExactly", "detach"]),
  );
  expect(functions.length).toBeGreaterThanOrEqual(7);
});

/** What all handles have is described once. */
const common = classes.find(({ name }) => name === "Handle")?.members ?? [];

test.each([...classes, ...interfaces].map((each) => [each.name, each] as const))("%s", (name, { undocumented }) => {
  // A token is opaque.
  const missing = name === "SocketToken" ? undocumented.filter((member) => member === name) : undocumented;
  expect(missing.filter((member) => name === "Handle" || !common.includes(member))).toEqual([]);
});

test("functions and constants", () => {
  expect(functions.filter(({ documented }) => !documented)).toEqual([]);
});

test("declarations show nothing internal", () => {
  const files = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".d.cts"));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((path) => readFileSync(join(DIST, path), "utf8").includes("@internal"))).toEqual([]);
});
