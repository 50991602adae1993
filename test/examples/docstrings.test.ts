/**
 * Every public name has a docstring.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { publicNames } from "./declarations.js";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

const TSC = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

const { classes, interfaces, functions } = publicNames();

test("finds the exports", () => {
  expect(classes.map(({ name }) => name).sort()).toEqual([
    "Address",
    "BoundSocket",
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

/** The members that all handles have are described once. */
const common = classes.find(({ name }) => name === "Handle")?.members ?? [];

test.each([...classes, ...interfaces].map((each) => [each.name, each] as const))("%s", (name, { undocumented }) => {
  // A token is opaque.
  const missing = name === "SocketToken" ? undocumented.filter((member) => member === name) : undocumented;
  expect(missing.filter((member) => name === "Handle" || !common.includes(member))).toEqual([]);
});

test("functions and constants have docstrings", () => {
  expect(functions.filter(({ documented }) => !documented)).toEqual([]);
});

test("declarations show nothing internal", () => {
  const files = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".d.cts"));
  expect(files.length).toBeGreaterThan(20);
  const internal = /@internal|\b(Channel|WorkerLink|Caller|SlotReference|ByteConsumer|ConnectCommand)\b/;
  expect(files.filter((path) => internal.test(readFileSync(join(DIST, path), "utf8")))).toEqual([]);
});

test("declarations compile without other files", () => {
  const entries = readdirSync(DIST).filter((path) => /\.d\.[cm]ts$/.test(path));
  expect(entries.length).toBeGreaterThan(15);
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--module",
    "node16",
    "--target",
    "es2022",
    "--types",
    "node",
  ];
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...options, ...entries], {
    cwd: DIST,
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
