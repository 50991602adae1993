/**
 * Stack traces that begin with the program's own line.
 *
 * Used on the calling thread.
 */

/** Frames to capture beyond `Error.stackTraceLimit`, since the package's own are left out. */
const OWN_FRAMES = 12;

/**
 * The folder of the package's code, as it appears in stack traces; null if a bundler has put the code into the
 * program's own files.
 */
const OWN = ownFolder(new Error().stack);

function ownFolder(stack: string | undefined): string | null {
  const [, first = ""] = stack?.split("\n") ?? [];
  const found = /(?:^\s+at |\()((?:file:\/\/)?(?:\/|[A-Za-z]:)[^()]*[\\/]dist[\\/]code[\\/])[^\\/]+$/.exec(first);
  return found?.[1]?.replaceAll("\\", "/") ?? null;
}

/** Gives `error` the stack of the call that throws it, without the frames of this package above the program's. */
export function endInCaller(error: Error): void {
  const limit = Error.stackTraceLimit;
  if (OWN === null || typeof limit !== "number" || limit <= 0) {
    Error.captureStackTrace?.(error);
    return;
  }
  try {
    Error.stackTraceLimit = limit + OWN_FRAMES;
  } catch {
    return; // it is frozen, with the program's other intrinsics
  }
  const captured: { stack?: string } = {};
  Error.captureStackTrace(captured, endInCaller);
  Error.stackTraceLimit = limit;
  const { stack } = captured;
  if (typeof stack !== "string") return; // a program's own `Error.prepareStackTrace`
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const first = frames.findIndex((frame) => !frame.replaceAll("\\", "/").includes(OWN));
  const kept = frames.slice(Math.max(0, first)).slice(0, limit);
  const text = [`${error.name}: ${error.message}`, ...kept].join("\n");
  Object.defineProperty(error, "stack", { value: text, writable: true, configurable: true, enumerable: false });
}
