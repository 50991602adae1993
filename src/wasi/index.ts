/**
 * `ringnet/wasi`: WASI 0.2 for components transpiled by jco, with sockets that block: `new WASIShim(wasi)`.
 *
 * Runs on the calling thread.
 */

export * as cli from "./cli.js";
export * as clocks from "./clocks.js";
export * as filesystem from "./filesystem.js";
export * as http from "./http.js";
export * as io from "./io.js";
export * as sockets from "./sockets.js";
