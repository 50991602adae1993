/**
 * examples/game-server.js, played in a real browser: two pages see each other move.
 */

import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { expect, test } from "vitest";
import { Process } from "../support/processes.js";

const CHROMIUM = "/usr/bin/chromium";

interface Game {
  you: number;
  frame: number;
  networking: number;
  players: { id: number; x: number; y: number }[];
}

const gameOf = (page: Page): Promise<Game> => page.evaluate(() => (globalThis as unknown as { game: Game }).game);

/** Waits until `met` holds in the page; throws after 20 s. */
function until(page: Page, met: string): Promise<unknown> {
  return page.waitForFunction(met, undefined, { timeout: 20_000, polling: 20 });
}

test("two pages in Chromium see each other move, while the server's thread never yields", async () => {
  expect(existsSync(CHROMIUM)).toBe(true);
  const server = new Process(process.execPath, ["examples/game-server.js", "0", "120"], {
    env: { NODE_OPTIONS: undefined },
  });
  const [url] = server.waitForOutput(/http:\S+/) as unknown as [string];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"], timeout: 60_000 });
  try {
    const context = await browser.newContext({ viewport: { width: 632, height: 780 } });
    const errors: string[] = [];
    const pages: Page[] = [];
    for (let i = 0; i < 2; i++) {
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await page.goto(url, { timeout: 30_000 });
      await until(page, "globalThis.game?.players.length > 0");
      pages.push(page);
    }
    const [first, second] = pages as [Page, Page];
    await until(first, "game.players.length === 2");
    const { you } = await gameOf(first);
    const seen = `game.players.find(({ id }) => id === ${you})`;
    await first.keyboard.down("ArrowLeft");
    await until(second, `${seen}.x < 250`);
    await first.keyboard.up("ArrowLeft");
    await second.keyboard.down("ArrowUp");
    await until(first, `game.players.find(({ id }) => id !== ${you}).y < 250`);
    await second.keyboard.up("ArrowUp");
    const { frame, networking } = await gameOf(first);
    expect(frame).toBeGreaterThan(10);
    expect(networking).toBeGreaterThan(0);
    expect(await first.textContent("#text")).toMatch(/^you are player \d+; networking takes the server \d+ µs/);
    if (process.env.RINGNET_SCREENSHOT) await first.screenshot({ path: process.env.RINGNET_SCREENSHOT });
    await second.close();
    await until(first, "game.players.length === 1");
    expect(errors).toEqual([]);
    expect([server.alive, server.errors]).toEqual([true, ""]);
  } finally {
    await browser.close();
  }
}, 120_000);
