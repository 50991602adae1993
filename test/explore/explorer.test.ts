/** The explorer itself, on programs whose interleavings can be counted by hand. */

import { describe, expect, test } from "vitest";
import { type Exploration, explore, type Outcome } from "./explorer.js";
import { ModelThread, type Program } from "./thread.js";
import { World } from "./world.js";

/** A program that does one of `acts` in each turn. */
class Acts implements Program {
  private next = 0;
  constructor(private readonly acts: readonly (() => void)[]) {}
  turn(): boolean {
    this.acts[this.next++]?.();
    return this.next < this.acts.length;
  }
}

function put(bytes: Uint8Array, value: number): void {
  bytes[0] = value;
}

/** Explores one thread for each list; the thread performs the acts of its list. */
function run(
  make: (world: World, words: Int32Array, bytes: Uint8Array) => (() => void)[][],
  options: Partial<Exploration> = {},
): Outcome {
  const world = new World();
  const lists = make(world, world.words("word", 4), world.bytes("byte", 4));
  for (const list of lists) world.opaque.set(list, "acts");
  const threads = lists.map((list, t) => new ModelThread(`thread ${t}`, world, () => new Acts(list)));
  return explore({ world, threads, ...options });
}

describe("the explorer", () => {
  test("counts the interleavings of two threads with two and three steps: 10", () => {
    const outcome = run(({ atomics }, words) => [
      [() => atomics.add(words, 0, 1), () => atomics.add(words, 0, 1)],
      [() => atomics.add(words, 0, 4), () => atomics.add(words, 0, 4), () => atomics.add(words, 0, 4)],
    ]);
    expect(outcome).toMatchObject({ fault: null, runs: 10, states: 12, ends: 1 });
  });

  test("accesses to words that only one thread uses are not steps", () => {
    const outcome = run(({ atomics }, words) => [
      [() => atomics.add(words, 0, 1), () => atomics.add(words, 0, 1)],
      [() => atomics.add(words, 1, 1), () => atomics.add(words, 1, 1)],
    ]);
    expect(outcome).toMatchObject({ fault: null, runs: 1 });
  });

  test("finds an update lost between a load and a store", () => {
    const outcome = run((world, words) => {
      const { atomics } = world;
      const increment = (): void => void atomics.store(words, 0, atomics.load(words, 0) + 1);
      const check = (): void => {
        atomics.add(words, 1, 1);
        if (atomics.load(words, 1) === 2) world.expect("the sum", atomics.load(words, 0), 2);
      };
      return [
        [increment, check],
        [increment, check],
      ];
    });
    expect(outcome.fault).toBe("the sum is 1, not 2");
  });

  test("finds a byte that is read without synchronization, whatever its value", () => {
    const unsure = run((_, __, bytes) => [[() => put(bytes, 7)], [() => void bytes[0]]]);
    expect(unsure.fault).toMatch(/byte\[0\] is (read|overwritten)/);
    const sure = run(({ atomics }, words, bytes) => [
      [() => put(bytes, 7), () => void atomics.store(words, 0, 1)],
      [() => (atomics.load(words, 0) === 1 ? void bytes[0] : undefined)],
    ]);
    expect(sure.fault).toBeNull();
  });

  test("finds a write to a byte that another thread may still read", () => {
    const outcome = run(({ atomics }, words, bytes) => [
      [() => put(bytes, 7), () => void atomics.store(words, 0, 1), () => put(bytes, 8)],
      [() => (atomics.load(words, 0) === 1 ? void bytes[0] : undefined)],
    ]);
    expect(outcome.fault).toMatch(/byte\[0\] is (read|overwritten)/);
  });

  test("finds a sleeper that is never woken, although a timeout would help it", () => {
    const outcome = run(({ atomics }, words) => [
      [() => atomics.wait(words, 0, 0, 1000)],
      [() => void atomics.store(words, 0, 1)],
    ]);
    expect(outcome.fault).toBe("deadlock: thread 0 waits forever");
  });

  test("relies on timeouts only where they are certain", () => {
    const sleep = (longest: number) =>
      run(
        ({ atomics }, words) => [[() => atomics.wait(words, 0, 0, longest)], [() => void atomics.store(words, 0, 1)]],
        {
          timely: true,
        },
      );
    expect(sleep(1000).fault).toBeNull();
    expect(sleep(Number.POSITIVE_INFINITY).fault).toBe("deadlock: thread 0 waits forever");
  });

  test("allows endless sleep only where it is declared", () => {
    const rest = (resting: string[]) =>
      run(({ atomics }, words) => [[() => atomics.wait(words, 0, 0)], [() => void atomics.load(words, 0)]], {
        resting,
      });
    expect(rest(["thread 1"]).fault).toBe("deadlock: thread 0 waits forever");
    expect(rest(["thread 0"]).fault).toBeNull();
  });

  test("finds a thread that depends on one that may be killed", () => {
    const outcome = (mortal: string[]) =>
      run(
        ({ atomics }, words) => [
          [() => atomics.wait(words, 0, 0)],
          [() => void atomics.store(words, 0, 1), () => atomics.notify(words, 0)],
        ],
        { mortal },
      );
    expect(outcome([]).fault).toBeNull();
    expect(outcome(["thread 1"])).toMatchObject({
      fault: "deadlock: thread 0 waits forever",
      trace: expect.arrayContaining(["thread 1: is killed"]),
    });
  });

  test("a guard sees the value before the step", () => {
    const outcome = run(({ atomics }, words) => [[() => atomics.add(words, 0, 1), () => atomics.add(words, 0, 1)]], {
      guard: (view) => {
        view.remember("additions", view.note("additions") + 1);
        return view.note("additions") > 1 ? "that was the second" : null;
      },
    });
    expect(outcome.fault).toBe("that was the second");
  });

  test("accepts a sleeper that is notified or sees the change", () => {
    const outcome = run(({ atomics }, words) => [
      [() => atomics.wait(words, 0, 0)],
      [() => void atomics.store(words, 0, 1), () => atomics.notify(words, 0)],
    ]);
    expect(outcome).toMatchObject({ fault: null });
  });

  test("finds threads that run forever", () => {
    const world = new World();
    const words = world.words("word", 1);
    const spin = { turn: () => world.atomics.load(words, 0) === 0 };
    const idle = { turn: () => world.atomics.load(words, 0) < 0 };
    const threads = [spin, idle].map((program, t) => new ModelThread(`thread ${t}`, world, () => program));
    expect(explore({ world, threads }).fault).toContain("the threads never finish");
  });

  test("finds a word used both with and without Atomics", () => {
    const outcome = run(({ atomics }, words) => [[() => void atomics.store(words, 0, 1)], [() => void words[0]]]);
    expect(outcome.fault).toBe("word[0] is used with Atomics and without");
  });
});
