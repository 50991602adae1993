/**
 * Runs once before all tests, in the runner's own process.
 */

import { existsSync } from "node:fs";
import { installPrograms } from "./install.js";

export default function setup(): void {
  if (!existsSync(new URL("../../dist/index.mjs", import.meta.url))) {
    throw new Error("The tests use the built package: run `npm run build` first");
  }
  installPrograms();
}
