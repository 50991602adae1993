/**
 * The generated parts of docs/protocols.md and traces.md: `EXPLORE_REPORT=1 npx vitest run test/explore` rewrites them.
 *
 * Test code.
 */

import { readFileSync, writeFileSync } from "node:fs";
import type { Outcome } from "./explorer.js";

const DOCUMENT = new URL("../../docs/protocols.md", import.meta.url);
const TRACES = new URL("traces.md", import.meta.url);

/** Whether this run rewrites the parts instead of comparing with them. */
export const REPORTING = process.env.EXPLORE_REPORT !== undefined;

function documentOf(part: string): URL {
  return part === "traces" ? TRACES : DOCUMENT;
}

/** The text between the two marks of a part. */
export function part(name: string): string {
  const { text, begin, end } = find(name);
  return text.slice(begin, end);
}

/** Writes a part, if that was asked for. */
export function writePart(name: string, lines: readonly string[]): void {
  if (!REPORTING) return;
  const { text, begin, end } = find(name);
  writeFileSync(documentOf(name), `${text.slice(0, begin)}\n\n${lines.join("\n")}\n\n${text.slice(end)}`);
}

function find(name: string): { text: string; begin: number; end: number } {
  const text = readFileSync(documentOf(name), "utf8");
  const open = `<!-- ${name} -->`;
  const begin = text.indexOf(open) + open.length;
  const end = text.indexOf(`<!-- end of ${name} -->`);
  if (begin < open.length || end < begin) throw new Error(`${documentOf(name).pathname} has no marks for ${name}`);
  return { text, begin, end };
}

/** The columns of the row of a part whose column `index` is `text`; undefined if there is none. */
export function row(name: string, index: number, text: string): string[] | undefined {
  const rows = part(name)
    .split("\n")
    .map((line) => line.split(" | ").map((column) => column.replace(/^\| | \|$/g, "")));
  return rows.find((columns) => columns[index] === text);
}

/** An error thrown by JavaScript itself. A seeded fault that shows only as such an error breaks the code, not the protocol. */
export const CRASH = /^\w*Error\b/;

/** A count for people: exact up to a million. */
export function count(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "endless";
  if (value < 1e6) return value.toLocaleString("en-US");
  const exponent = Math.floor(Math.log10(value));
  const digits = [...String(exponent)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  return `${(value / 10 ** exponent).toFixed(1)} · 10${digits}`;
}

/** A trace with a line for each change of the thread. */
export function condense({ trace }: Outcome): string[] {
  const lines: string[] = [];
  let last = "";
  for (const line of trace) {
    const colon = line.indexOf(": ");
    const thread = line.slice(0, colon);
    const what = line.slice(colon + 2).replace(/ {2}\(.*\)$/, "");
    if (thread === last) lines[lines.length - 1] += `; ${what}`;
    else lines.push(`${thread}: ${what}`);
    last = thread;
  }
  return lines;
}
