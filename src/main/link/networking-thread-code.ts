/**
 * The networking thread's code as one text, with which such a thread is started.
 *
 * Used on the calling thread. The build puts the text in (packaging/code.js); what tsc makes of this file has none.
 */

export function networkingThreadCode(): string {
  throw new Error("the networking thread's code is in the built package only");
}
