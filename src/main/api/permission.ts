/**
 * Node's permission model (`--permission`). Servers are checked here, on the calling thread: without the permission,
 * Node throws on the networking thread where nothing can catch it.
 *
 * Used on the calling thread.
 */

import { NetError } from "./net-error.js";

/**
 * The first major version that restricts the network; to earlier ones the permission `net` is unknown, and they deny
 * it.
 */
const FIRST_WITH_NET = 25;

interface Permission {
  has(scope: string): boolean;
}

/** Throws a `NetError` with Node's code if the program was started without permission to use the network. */
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
