/**
 * examples/game-loop.js: three seconds of a game with a hundred players.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drawHistogram } from "../../examples/game-loop/histogram.js";
import { temporaryFolder } from "../support/folders.js";
import { Process } from "../support/processes.js";

test("runs sixty frames a second and draws their times", () => {
  const file = join(temporaryFolder(), "frames.svg");
  const start = performance.now();
  const game = new Process(process.execPath, ["examples/game-loop.js", "100", "3", file]);
  game.waitForExit(30_000);
  expect(game.errors).toBe("");
  expect(performance.now() - start).toBeGreaterThan(2900);
  const [, frames, players, inputs] = /^(\d+) frames, (\d+) players, (\d+) inputs taken/.exec(game.output) as string[];
  expect([Number(frames), Number(players)]).toEqual([180, 100]);
  expect(Number(inputs)).toBeGreaterThan(500);
  const median = Number(/took (\d+) µs a frame \(median\)/.exec(game.output)?.[1]);
  expect(median).toBeGreaterThan(0);
  expect(median).toBeLessThan(8000); // half a frame
  expectDrawing(readFileSync(file, "utf8"), 180);
});

/** Expects that the bars of the drawing add up to `frames`. */
function expectDrawing(svg: string, frames: number): void {
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  const bars = [...svg.matchAll(/<title>(\d+) of (\d+) below/g)];
  expect(bars.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(frames);
  for (const [, , total] of bars) expect(Number(total)).toBe(frames);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
}

test("draws times of any size, and none", () => {
  expectDrawing(drawHistogram([0, 0.001, 1, 16, 17, 1e6], "times"), 6);
  expectDrawing(drawHistogram([], "none"), 0);
});
