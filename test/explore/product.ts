/**
 * Loads the product's compiled modules with the model's `Atomics` and shared memory in the place of the real ones.
 *
 * Test code. What is changed in the text: comments go, `#fields` become `_fields` (so that a snapshot sees them), imports
 * and exports become those of this little linker, and the edits that a scenario or a seeded fault asks for. An edit that
 * does not apply exactly once throws: a list of faults that is out of step with the source would prove nothing.
 *
 * Loaded are the modules that share memory and nothing else: all of `ring`, and of the two threads' sides those classes
 * that stand between the rings and Node's sockets. What they import beyond that is replaced by stand-ins.
 */

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import type { World } from "./world.js";

export type Product = typeof import("../../build/ring/layout.js") &
  typeof import("../../build/ring/byte-ring.js") &
  typeof import("../../build/ring/record-ring.js") &
  typeof import("../../build/ring/slot-queue.js") &
  typeof import("../../build/ring/signal.js") &
  typeof import("../../build/ring/valve.js") &
  typeof import("../../build/worker/client-link.js") &
  typeof import("../../build/worker/slot.js") &
  typeof import("../../build/worker/receiver.js") &
  typeof import("../../build/worker/wake-coalescing.js") &
  typeof import("../../build/worker/sender.js") &
  typeof import("../../build/main/channel.js") &
  typeof import("../../build/main/inbox.js") &
  typeof import("../../build/main/outlet.js");

const MODULES = [
  "ring/layout",
  "ring/byte-ring",
  "ring/record-ring",
  "ring/slot-queue",
  "ring/signal",
  "ring/valve",
  "worker/client-link",
  "worker/slot",
  "worker/receiver",
  "worker/wake-coalescing",
  "worker/sender",
  "main/channel",
  "main/inbox",
  "main/outlet",
];

/** A change of one module's text; white space does not matter in `find`. */
export interface Edit {
  /** Path of the module in `dist`, without its ending. */
  module: string;
  find: string | RegExp;
  replace: string;
}

type Exports = Record<string, unknown>;

export function loadProduct(world: World, edits: readonly Edit[] = []): Product {
  const scope = scopeOf(world);
  const loaded = new Map<string, Exports>(Object.entries(standIns(world)));
  const load = (name: string): Exports => {
    const known = loaded.get(name);
    if (known !== undefined) return known;
    const text = edits.filter((edit) => edit.module === name).reduce(apply, moduleText(name));
    const exports = link(name, text, scope)(load);
    loaded.set(name, exports);
    return exports;
  };
  for (const edit of edits) if (!MODULES.includes(edit.module)) throw new Error(`no module ${edit.module}`);
  return Object.assign({}, ...MODULES.map(load)) as Product;
}

/** The globals that the modules see instead of the real ones. */
function scopeOf(world: World): Exports {
  // A view of shared memory is the model's array itself: scenarios hand it out where the product expects memory.
  const view = (real: new (...parameters: never[]) => object) =>
    new Proxy(real, {
      construct: (target, parameters) =>
        world.isShared(parameters[0]) ? parameters[0] : Reflect.construct(target, parameters as never[]),
    });
  return {
    Atomics: world.atomics,
    Int32Array: view(Int32Array),
    Uint8Array: view(Uint8Array),
    Buffer: { from: (memory: object) => memory },
    // The time that something took decides about speed only: the model's clock stands still.
    performance: { now: () => 0 },
    setImmediate: (callback: () => void) => void world.immediates.push(callback),
  };
}

/** Modules that do more than share memory. */
function standIns(world: World): Record<string, Exports> {
  const { atomics } = world;
  return {
    // A fault's text is one word here, behind the length as in the real one.
    "ring/fault-text": {
      writeFault: (words: Int32Array, start: number, _bytes: number, fault: { code: string }): void => {
        words[start + 1] = Number(fault.code);
        atomics.store(words, start, 1);
      },
      readFault: (words: Int32Array, start: number): { code: string } | null =>
        atomics.load(words, start) === 0 ? null : { code: String(words[start + 1]) },
    },
    "main/net-error": { NetError: Error, timedOut: Error },
  };
}

const texts = new Map<string, string>();

/** The module's code without comments, in single spaces. */
function moduleText(name: string): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = squeeze(withoutComments(readFileSync(new URL(`../../build/${name}.js`, import.meta.url), "utf8")));
    texts.set(name, text);
  }
  return text;
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function withoutComments(text: string): string {
  const stringOrComment = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(stringOrComment, (match) => (match.startsWith("/") ? " " : match));
}

function apply(text: string, edit: Edit): string {
  const find = typeof edit.find === "string" ? squeeze(edit.find) : edit.find;
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(squeeze(edit.replace));
  throw new Error(`${edit.module}: "${find}" stands ${parts.length - 1} times in the source; bring the test in step`);
}

function link(name: string, text: string, scope: Exports): (load: (name: string) => Exports) => Exports {
  const exported: string[] = [];
  const body = text
    .replace(/#(\w+)/g, "_$1")
    .replace(/import \{([^}]*)\} from "(\.[^"]*)\.js";/g, (_, names: string, from: string) => {
      return `const {${names.replace(/ as /g, ": ")}} = load("${posix.join(posix.dirname(name), from)}");`;
    })
    .replace(/export (const|let|class|function) (\w+)/g, (_, kind: string, id: string) => {
      exported.push(id);
      return `${kind} ${id}`;
    });
  if (/\b(import|export) /.test(body)) throw new Error(`${name}: an import or export that the linker does not know`);
  const code = `"use strict"; ${body}\nreturn { ${exported.join(", ")} };\n//# sourceURL=product/${name}.js`;
  const linked = new Function(...Object.keys(scope), "load", code);
  return (load) => linked(...Object.values(scope), load) as Exports;
}
