/** Sockets for programs in WebAssembly. */

export type { EmscriptenFs } from "./emscripten-files.js";
export { type GuestParts, type ImportFunction, type SocketImports, socketImports } from "./import-functions.js";
export { type WithSocketsOptions, withSockets } from "./with-sockets.js";
