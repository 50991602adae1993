/** A short run of the stress on real threads, in a process of its own; `npm run stress` is the long one. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const BYTES = 800e6;
/** Ten to twenty seconds where nothing else runs. */
const LONGEST_MS = 240_000;

test("hundreds of megabytes pass unchanged through rings of every size", async () => {
  const program = fileURLToPath(new URL("run.js", import.meta.url));
  const child = spawn(process.execPath, [program, String(BYTES)], { timeout: LONGEST_MS, killSignal: "SIGKILL" });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code, output).toBe(0);
  const verified = /([\d,]+) bytes verified/.exec(output)?.[1]?.replaceAll(",", "");
  expect(Number(verified)).toBeGreaterThanOrEqual(BYTES);
  // With the smallest ring of each kind, the threads must really have slept.
  for (const kind of ["bytes", "records", "flow", "swarm", "doorbell"]) {
    const line = output.split("\n").find((text) => text.startsWith(`${kind} `)) ?? "";
    const [, , , , ...figures] = line.split(/ +/).map((cell) => Number(cell.replaceAll(",", "")));
    expect(Math.max(...figures), line).toBeGreaterThan(10);
  }
}, 250_000);
