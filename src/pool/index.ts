/**
 * ringnet/pool: blocking code in pools of threads, beside an async program.
 */

export type { RunBlockingOptions } from "./run-blocking.js";
export { runBlocking } from "./run-blocking.js";
export type { PoolFigures, PoolServer, ServePoolOptions } from "./serve-pool.js";
export { servePool } from "./serve-pool.js";
export type { ThreadLimits } from "./threads.js";
