/**
 * The CPU time of this thread.
 *
 * Runs on the networking thread.
 */

import { readFileSync } from "node:fs";

/** CPU time in ms; null if neither Node (23.9 or later, 22.19 or later) nor the system provides it. */
export function threadCpuMs(): number | null {
  const { threadCpuUsage } = process as unknown as { threadCpuUsage?: () => { user: number; system: number } };
  try {
    if (threadCpuUsage !== undefined) {
      const { user, system } = threadCpuUsage.call(process);
      return (user + system) / 1000;
    }
    const [nanoseconds] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" "); // proc(5): time on the CPU
    return Number(nanoseconds) / 1e6;
  } catch {
    return null;
  }
}
