/**
 * The networking thread's code as one string, from which the thread is started.
 *
 * Used on the calling thread. The build replaces this module (packaging/code.js); the output of tsc lacks the code.
 */

export function networkingThreadCode(): string {
  throw new Error("the networking thread's code is in the built package only");
}
