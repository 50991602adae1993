/**
 * The package's entry points, and their modules in build/. A new one is one line here: the build writes the `exports` of package.json.
 * `path` is what is imported, if it is not the entry's name.
 *
 * `default` names the export that `import` gets as the default one as well. With `callable`, `require` gets that one, which the others are
 * properties of.
 */

export const ENTRIES = {
  index: { module: "main/index" },
  net: { module: "main/api/net", default: "net" },
  http: { module: "http/index" },
  posix: { module: "posix/index" },
  wasm: { module: "wasm/index" },
  wasi: { module: "wasi/index" },
  "wasi-cli": { module: "wasi/cli", path: "wasi/cli" },
  "wasi-clocks": { module: "wasi/clocks", path: "wasi/clocks" },
  "wasi-filesystem": { module: "wasi/filesystem", path: "wasi/filesystem" },
  "wasi-http": { module: "wasi/http", path: "wasi/http" },
  "wasi-io": { module: "wasi/io", path: "wasi/io" },
  "wasi-sockets": { module: "wasi/sockets", path: "wasi/sockets" },
  pool: { module: "pool/index" },
  "sync-fetch": { module: "faces/sync-fetch", default: "fetch", callable: true },
  "sync-request": { module: "faces/sync-request", default: "request", callable: true },
  websocket: { module: "websocket/index" },
  xhr: { module: "faces/xhr" },
};

/** The command, `bin` of package.json: it runs what it exports as `main`. */
export const COMMANDS = {
  command: { module: "command/index" },
};

/** Files that threads of `ringnet/pool` start with: no entry points, so in CommonJS only, and not among the `exports`. */
export const THREADS = {
  "pool-acceptor": { module: "pool/acceptor" },
  "pool-task": { module: "pool/task" },
};

/** Packages that a program installs itself if it needs them, ES modules: the entry points import them as they import Node's modules. */
export const PEERS = ["@bytecodealliance/preview2-shim"];
