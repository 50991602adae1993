/**
 * Node's permission model (`--permission`), where it has to be asked before the networking thread is: a server that may not listen
 * makes Node throw on that thread where nothing can catch it.
 *
 * Used on the calling thread.
 */

import { NetError } from "./net-error.js";

/** Releases that restrict the network; earlier ones deny it as unknown. */
const FIRST_WITH_NET = 25;

interface Permission {
  has(scope: string): boolean;
}

/** Throws a `NetError` with Node's code where the program was started without the permission to use the network. */
export function networkMustBeAllowed(call: string): void {
  const { permission } = process as unknown as { permission?: Permission };
  if (permission === undefined || Number.parseInt(process.versions.node, 10) < FIRST_WITH_NET) return;
  if (permission.has("net")) return;
  throw new NetError({
    code: "ERR_ACCESS_DENIED",
    message: `${call}: the program may not use the network: --permission is set, and --allow-net is not`,
    syscall: call,
  });
}
