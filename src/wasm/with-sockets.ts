/**
 * Sockets for emscripten programs that were not built for this package, such as Pyodide and PHP: while such a program
 * is loaded, its imported socket functions are replaced.
 *
 * Runs on the calling thread.
 */

import type { EmscriptenFs } from "./emscripten-files.js";
import { SOCKET_IMPORTS, type SocketImports, socketImports } from "./import-functions.js";

/** How to find the parts of a loaded program. */
export interface WithSocketsOptions<T> {
  /** Returns emscripten's file system `FS` from what `load` returned. */
  FS: (loaded: T) => unknown;
}

type Imports = Record<string, Record<string, unknown>>;

/** A program that is being loaded: its functions exist before its file system does. */
class Program {
  #imports: Imports | null = null;
  #exports: Record<string, unknown> = {};
  #sockets: SocketImports | null = null;

  /** Replaces the socket functions in `imports`, if they belong to the program. */
  complete(imports: Imports): boolean {
    const { env, wasi_snapshot_preview1: wasi } = imports;
    if (this.#imports !== null || typeof env?.__syscall_socket !== "function") return false;
    this.#imports = imports;
    for (const group of env === wasi || wasi === undefined ? [env] : [env, wasi]) this.#replace(group);
    return true;
  }

  instantiated(exports: Record<string, unknown>): void {
    this.#exports = exports;
  }

  /** From now on calls go to this package's functions. */
  begin(FS: EmscriptenFs): void {
    const memory = (this.#exports.memory ?? this.#imports?.env?.memory) as WebAssembly.Memory | undefined;
    const malloc = this.#exports.malloc;
    if (memory === undefined || typeof malloc !== "function") {
      throw new TypeError("the program must export its memory and malloc by these names");
    }
    let heap = new Uint8Array(0);
    this.#sockets = socketImports({
      FS,
      malloc: (bytes) => malloc(bytes) >>> 0,
      heap: () => {
        if (heap.buffer !== memory.buffer) heap = new Uint8Array(memory.buffer);
        return heap;
      },
    });
  }

  get found(): boolean {
    return this.#imports !== null;
  }

  #replace(group: Record<string, unknown>): void {
    for (const [name, original] of Object.entries(group)) {
      // An import that suspends the program instead of blocking is an object, not a function.
      if (typeof original !== "function" || !SOCKET_IMPORTS.has(name)) continue;
      const replacement = (...values: unknown[]): unknown => {
        const sockets = this.#sockets;
        if (sockets === null) return original(...values);
        const call =
          sockets.calls[name] ?? (sockets.owns(name, values[0] as number) ? sockets.shared[name] : undefined);
        return call === undefined ? original(...values) : call(...(values as number[]));
      };
      // Copies the properties: emscripten's dynamic linking reads signatures from them.
      group[name] = Object.assign(replacement, original);
    }
  }
}

/** Only one program can be loaded at a time, because `WebAssembly` is patched meanwhile. */
let loading = false;

/**
 * Loads a program and gives it sockets. `load` loads it as usual; `options.FS` returns the file system of what `load`
 * returned:
 *
 * ```js
 * const pyodide = await withSockets(() => loadPyodide(), { FS: (pyodide) => pyodide.FS });
 * ```
 *
 * Returns the result of `load`. Throws its errors, and an `Error` if `load` instantiated no program whose imports have
 * emscripten's names.
 */
export async function withSockets<T>(load: () => T | Promise<T>, options: WithSocketsOptions<T>): Promise<T> {
  if (typeof load !== "function") throw new TypeError("load must be a function that loads the program");
  if (typeof options?.FS !== "function")
    throw new TypeError("options.FS must be a function that returns the file system");
  if (loading) throw new Error("withSockets is already loading another program: wait for it first");
  loading = true;
  const program = new Program();
  const restore = watchInstantiation(program);
  try {
    const loaded = await load();
    if (!program.found) throw new Error("no program was loaded that imports sockets by emscripten's names");
    program.begin(options.FS(loaded) as EmscriptenFs);
    return loaded;
  } finally {
    restore();
    loading = false;
  }
}

/** Replaces imports when the program is instantiated; returns a function that restores `WebAssembly`. */
function watchInstantiation(program: Program): () => void {
  const wasm = WebAssembly as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
  const names = ["instantiate", "instantiateStreaming"] as const;
  const originals = names.map((name) => wasm[name]);
  names.forEach((name, i) => {
    const original = originals[i];
    if (original === undefined) return;
    wasm[name] = async (source: unknown, imports: unknown, ...rest: unknown[]) => {
      const isProgram = typeof imports === "object" && imports !== null && program.complete(imports as Imports);
      const result = await original.call(WebAssembly, source, imports, ...rest);
      if (isProgram) {
        const instance = (result as { instance?: WebAssembly.Instance }).instance ?? (result as WebAssembly.Instance);
        program.instantiated(instance.exports as Record<string, unknown>);
      }
      return result;
    };
  });
  return () => {
    names.forEach((name, i) => {
      const original = originals[i];
      if (original !== undefined) wasm[name] = original;
    });
  };
}
