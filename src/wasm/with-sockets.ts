/**
 * Sockets for programs in WebAssembly that emscripten has built and that are not made for this package: Pyodide, PHP. While such a program
 * is loaded, the functions that it imports for sockets are replaced.
 *
 * Runs on the calling thread.
 */

import type { EmscriptenFs } from "./emscripten-files.js";
import { SOCKET_IMPORTS, type SocketImports, socketImports } from "./import-functions.js";

/** How to find the parts of a program that was loaded. */
export interface WithSocketsOptions<T> {
  /** Gives emscripten's file system `FS` of what `load` has returned. */
  FS: (loaded: T) => unknown;
}

type Imports = Record<string, Record<string, unknown>>;

/** A program on its way: its functions exist before its file system does. */
class Program {
  #imports: Imports | null = null;
  #exports: Record<string, unknown> = {};
  #sockets: SocketImports | null = null;

  /** Replaces what is about sockets in `imports`, if this is the program. */
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

  /** From now on the functions are this package's. */
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
      // What suspends the program instead of blocking is an object.
      if (typeof original !== "function" || !SOCKET_IMPORTS.has(name)) continue;
      const replacement = (...values: unknown[]): unknown => {
        const sockets = this.#sockets;
        if (sockets === null) return original(...values);
        const call = sockets.calls[name] ?? (sockets.owns(name, Number(values[0])) ? sockets.shared[name] : undefined);
        return call === undefined ? original(...values) : call(...(values as number[]));
      };
      // The properties are signatures, which emscripten's dynamic linking reads.
      group[name] = Object.assign(replacement, original);
    }
  }
}

/** One program at a time can be loaded: they share the place that is patched. */
let loading = false;

/**
 * Loads a program, with sockets. `load` is to load it, as without this package, and return what `options.FS` finds the file system in:
 *
 * ```js
 * const pyodide = await withSockets(() => loadPyodide(), { FS: (pyodide) => pyodide.FS });
 * ```
 *
 * Throws what `load` throws, and an `Error` where `load` has loaded no program whose imports have emscripten's names.
 */
export async function withSockets<T>(load: () => T | Promise<T>, options: WithSocketsOptions<T>): Promise<T> {
  if (typeof load !== "function") throw new TypeError("load must be a function that loads the program");
  if (typeof options?.FS !== "function")
    throw new TypeError("options.FS must be a function that gives the file system");
  if (loading) throw new Error("withSockets loads another program already: wait for it first");
  loading = true;
  const program = new Program();
  const restore = watchInstantiation(program);
  try {
    const loaded = await load();
    if (!program.found) throw new Error("nothing was loaded that imports sockets by emscripten's names");
    program.begin(options.FS(loaded) as EmscriptenFs);
    return loaded;
  } finally {
    restore();
    loading = false;
  }
}

/** Completes the imports of the program when it is instantiated; returns what undoes that. */
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
