/** Components for tests: guests/sockets.rs, transpiled by jco with this package's WASI. */

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import type { IpSocketAddress } from "ringnet/wasi/sockets";
import { temporaryFolder } from "../support/folders.js";
import { Process, root } from "../support/processes.js";

const GUESTS = join(root, "test/wasi/guests");

/** The mappings that docs/wasm.md shows. */
const MAP = Object.fromEntries(
  ["sockets", "io", "clocks", "cli", "filesystem"].map((name) => [`wasi:${name}/*`, `ringnet/wasi/${name}#*`]),
);

/** A transpiled component. */
export class Component {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Starts it with arguments. */
  start(...args: (string | number)[]): Process {
    const words = [join(GUESTS, "run.mjs"), this.#file, ...args.map(String)];
    return new Process(process.execPath, words, { env: { NODE_OPTIONS: undefined } });
  }

  /** Runs it to its end; returns its output. */
  run(...args: (string | number)[]): string {
    const guest = this.start(...args);
    guest.waitForExit(25_000);
    return guest.output + guest.errors;
  }
}

/** Transpiles the component, which takes seconds: call it once in each file. */
export async function transpileSockets(): Promise<Component> {
  const component = gunzipSync(readFileSync(join(GUESTS, "sockets.wasm.gz")));
  const { files } = await transpileBytes(component, { name: "sockets", map: MAP, emitTypescriptDeclarations: false });
  const folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/ringnet"));
  symlinkSync(join(root, "node_modules/@bytecodealliance"), join(folder, "node_modules/@bytecodealliance"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return new Component(join(folder, "sockets.js"));
}

/** An address of 127.0.0.0/8. */
export function ipv4(port: number, last = 1): IpSocketAddress {
  return { tag: "ipv4", val: { port, address: [127, 0, 0, last] } };
}

/** `::1`. */
export function ipv6(port: number): IpSocketAddress {
  return { tag: "ipv6", val: { port, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 1], scopeId: 0 } };
}

/** What `call` throws; undefined if it returns. Errors of WIT are values, not JavaScript errors. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Drops a resource as jco does. */
export function dropped(resource: object): void {
  const dispose = Symbol.dispose ?? Symbol.for("dispose");
  (resource as Record<symbol, () => void>)[dispose]?.();
}
