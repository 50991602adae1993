/** Fails at the first try and passes at the second. Run by second-tries.test.ts alone. */
import { expect, test } from "vitest";

let tries = 0;

test("passes at the second try", () => {
  expect(++tries).toBe(2);
});

test("passes at once", () => {
  expect(true).toBe(true);
});
