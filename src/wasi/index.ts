/**
 * `ringnet/wasi`: WASI 0.2 for components transpiled by jco, with sockets that block.
 *
 * Runs on the calling thread.
 */

export * as cli from "./cli.js";
export * as clocks from "./clocks.js";
export * as io from "./io.js";
export * as sockets from "./sockets.js";
