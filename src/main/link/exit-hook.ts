/**
 * Runs a task when the process or worker thread ends, after the last 'exit' listener.
 *
 * Runs on the calling thread. An 'exit' listener would run too early: a listener registered later may still use a
 * socket. So `process.emit("exit")` and `process.reallyExit` (which ends the process when a listener calls
 * `process.exit()`) are wrapped, at the first use of the package. Node always ends through these properties of
 * `process`.
 */

import { beforeReallyExit, isExiting } from "./node-internals.js";

type Emit = (this: unknown, event: unknown, ...args: unknown[]) => boolean;

/**
 * Deno runs no microtasks after the last listener, so the hook of a first use within a listener would come too late: it
 * is set when the package is loaded.
 */
export const HOOK_AT_LOAD = "Deno" in globalThis;

/** Runs `task` at the end, possibly more than once. */
export function afterExitListeners(task: () => void): void {
  const ending = process as unknown as { emit: Emit };
  const { emit } = ending;
  let emitting = 0;
  ending.emit = function (event, ...args) {
    if (event !== "exit") return Reflect.apply(emit, this, [event, ...args]);
    emitting++;
    try {
      return Reflect.apply(emit, this, [event, ...args]);
    } finally {
      emitting--;
      task();
    }
  };
  beforeReallyExit(task);
  // For when 'exit' is not emitted through the wrapper: on another runtime, or if the program has replaced
  // `process.emit`.
  process.on("exit", () => {
    if (emitting === 0) task();
  });
  // The first use is within a listener: if the process ends by itself, microtasks still run after the last listener.
  if (isExiting()) queueMicrotask(task);
}

/**
 * Runs `task` before an uncaught error ends the thread on Deno, which emits no 'exit' then. It may run although the
 * thread goes on, because a listener that was added later handles the error. Does nothing on Node and Bun.
 */
export function beforeUncaughtError(task: () => void): void {
  if (!("Deno" in globalThis)) return;
  const target = globalThis as unknown as EventTarget;
  for (const type of ["error", "unhandledrejection"]) {
    target.addEventListener(type, (event) => {
      if (!event.defaultPrevented && process.listenerCount("uncaughtException") === 0) task();
    });
  }
}
