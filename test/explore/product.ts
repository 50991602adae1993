/**
 * Loads the product's compiled modules with the model's `Atomics` and shared memory in place of the real ones.
 *
 * Test code. It changes the text: comments are removed, `#fields` become `_fields` (so that a snapshot includes them), imports
 * and exports are replaced by those of this small linker, and the edits of a scenario or a seeded fault are applied. An edit
 * that does not apply exactly once throws: a list of faults that is out of step with the source would prove nothing.
 *
 * It loads the modules that share memory: all of `ring`; on the calling thread the modules between the rings and the program, up
 * to `TcpSocket`; on the networking thread those between the rings and Node's sockets, up to `Actor` and its boot task. Their
 * other imports are replaced by stand-ins.
 */

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import type { World } from "./world.js";

export type Product = typeof import("../../build/ring/layout.js") &
  typeof import("../../build/ring/byte-ring.js") &
  typeof import("../../build/ring/record-ring.js") &
  typeof import("../../build/ring/message-record.js") &
  typeof import("../../build/ring/slot-queue.js") &
  typeof import("../../build/ring/signal.js") &
  typeof import("../../build/ring/flow-control.js") &
  typeof import("../../build/ring/room-interest.js") &
  typeof import("../../build/ring/cancellation.js") &
  typeof import("../../build/ring/arena.js") &
  typeof import("../../build/worker/caller-link.js") &
  typeof import("../../build/worker/slot.js") &
  typeof import("../../build/worker/receiver.js") &
  typeof import("../../build/worker/wake-coalescing.js") &
  typeof import("../../build/worker/message-receiver.js") &
  typeof import("../../build/worker/message-sender.js") &
  typeof import("../../build/websocket/incoming-messages.js") &
  typeof import("../../build/websocket/outgoing-messages.js") &
  typeof import("../../build/worker/sender.js") &
  typeof import("../../build/main/link/sleep-round.js") &
  typeof import("../../build/main/link/cancelled-wait.js") &
  typeof import("../../build/main/link/channel.js") &
  typeof import("../../build/main/link/read-buffer.js") &
  typeof import("../../build/main/link/notices.js") &
  typeof import("../../build/worker/connection.js") &
  typeof import("../../build/worker/actor.js") & { boot: typeof import("../../build/worker/boot.js").default } & {
    Listener: new () => object;
  } & typeof import("../../build/main/link/socket-writer.js") &
  typeof import("../../build/main/link/socket-reader.js") &
  typeof import("../../build/main/link/worker-link.js") &
  typeof import("../../build/main/api/tcp-socket.js");

const MODULES = [
  "ring/layout",
  "ring/byte-ring",
  "ring/record-ring",
  "ring/message-record",
  "ring/slot-queue",
  "ring/signal",
  "ring/flow-control",
  "ring/room-interest",
  "ring/cancellation",
  "ring/arena",
  "worker/caller-link",
  "worker/slot",
  "worker/receiver",
  "worker/wake-coalescing",
  "worker/message-receiver",
  "worker/message-sender",
  "worker/sender",
  "main/link/sleep-round",
  "main/link/cancelled-wait",
  "main/link/channel",
  "main/link/read-buffer",
  "main/link/socket-writer",
  "main/link/socket-reader",
  "websocket/incoming-messages",
  "websocket/outgoing-messages",
  "main/api/net-error",
  "main/api/handle",
  "main/link/slot-memory",
  "main/link/liveness",
  "main/link/notices",
  "main/link/attach-window",
  "main/link/worker-link",
  "main/api/socket-token",
  "main/api/tcp-socket",
  "worker/connection",
  "worker/listener",
  "worker/actor",
  "worker/boot",
];

/** A change of one module's text; white space does not matter in `find`. */
export interface Edit {
  /** Path of the module in `build`, without its ending. */
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
  // The boot task keeps no reference to the actor that it creates; a snapshot of the thread needs one.
  const { Actor } = load("worker/actor") as { Actor: new (boot: object) => object };
  const Known = class extends Actor {
    constructor(boot: object) {
      super(boot);
      world.newborn = this;
    }
  };
  loaded.set("worker/actor", { Actor: Known });
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
    SharedArrayBuffer: function Memory(byteLength: number) {
      return world.caller?.spare ?? { byteLength };
    },
    Buffer: {
      // Memory that was moved from thread to thread is not shared.
      from: (memory: object) => (memory instanceof ArrayBuffer ? new Uint8Array(memory) : memory),
      alloc: (count: number) => new Uint8Array(count),
      allocUnsafe: (count: number) => new Uint8Array(count),
      allocUnsafeSlow: (count: number) => new Uint8Array(count),
      concat: (pieces: Uint8Array[]) => Uint8Array.from(pieces.flatMap((piece) => [...piece])),
    },
    // Elapsed time affects speed only, so the model's clock stands still.
    performance: { now: () => 0 },
    setImmediate: (callback: () => void) => void world.immediates.push(callback),
    // The networking thread's timers are far longer than any scenario, so they never fire.
    setTimeout: () => 0,
    clearTimeout: () => {},
    process: { on: (event: string, listener: (value: unknown) => void) => void world.listeners.set(event, listener) },
  };
}

/** Modules that do more than share memory. */
function standIns(world: World): Record<string, Exports> {
  const { atomics } = world;
  return {
    // A fault's text is one word here, behind the length.
    "ring/fault-text": {
      writeFault: (
        words: Int32Array,
        start: number,
        _offset: number,
        _bytes: number,
        { code }: { code: string },
      ): void => {
        words[start + 1] = world.letter(`fault ${code}`, { code });
        atomics.store(words, start, 1);
      },
      readFault: (words: Int32Array, start: number): object | null =>
        atomics.load(words, start) === 0 ? null : { message: "", ...world.open(words[start + 1] as number) },
    },
    "node:worker_threads": { BroadcastChannel: broadcastChannel(world), receiveMessageOnPort },
    "main/link/caller": { thisCaller: () => world.caller },
    "main/api/arguments": {
      amount: same,
      integer: same,
      bytes: same,
      options: same,
      boolean: same,
      keepAliveDelay: same,
    },
    "main/api/option-hints": { READ_HINTS: {} },
    "main/link/debug": { debugging: false, debug: () => {} },
    "worker/debug": { debugging: false, debug: () => {}, stateInWords: () => "", commandDetails: () => ({}) },
    "worker/thread-cpu": { threadCpuMs: () => null },
    "main/link/diagnostics": {
      publishEnds: () => {},
      handleClosed: () => {},
      tlsBegun: () => {},
      threadChanged: () => {},
    },
    "main/api/user-stack": { endInCaller: () => {} },
    "main/api/canceller": {},
    "main/api/interest": { READABLE: 1, WRITABLE: 2, interestBits: same },
    "main/api/option-names": { ownOptions: same },
    "main/link/thread-stack": { readableStack: (text: string) => text },
    // Garbage collection would call in the middle of another thread's turn.
    "main/api/forgotten-handles": {
      Guard: class {
        end(): void {}
      },
    },
    "main/link/deadline": { Deadline: Object.assign(class {}, { of: (timeout: unknown) => timeout }) },
    "main/api/framing": {},
    "worker/connection-facts": { connectionFacts: () => ({ tls: {} }) },
    "worker/faults": { faultOf: (error: Error) => ({ code: error.message, message: "" }) },
    "worker/secure-modules": { isSecure: () => false },
    "worker/other-runtimes": { TERMINATING_ENDS_WAITS: true, ipv6OnlyError: () => null },
    "worker/node-internals": { errorBehindEnd: () => null, readOnAfterRefusedWrite: () => {} },
    "worker/input-reader": { InputReader: class {} },
    "worker/connector": { Connector: class {} },
    "worker/datagram-socket": { DatagramSocket: class {} },
    "worker/web-socket-client": { openWebSocket: () => {} },
    "worker/web-socket-listener": { WebSocketListener: class {} },
    "worker/resolver": { Resolver: class {}, Lookup: class {} },
    "worker/tls-context-cache": { TlsContextCache: class {} },
    "worker/tls-sessions": { TlsSessions: class {} },
    "worker/tls-start": {
      startClient: (
        _contexts: object,
        _sessions: object,
        _parameters: object,
        below: object,
        _: unknown,
        end: object,
      ): void => world.listeners.get("tls")?.({ isServer: false, below, end }),
      startServer: (_contexts: object, _parameters: object, below: object, end: object): void =>
        world.listeners.get("tls")?.({ isServer: true, below, end }),
    },
    "main/api/tls-options": {
      startTlsParameters: (_options: object, isServer: boolean) => ({ parameters: {}, isServer }),
    },
    // Whether polling pays depends on the traffic; where it is enabled, both choices are explored.
    "worker/polling": {
      Polling: class {
        readonly enabled: boolean;
        constructor(longest: number) {
          this.enabled = longest > 0;
        }
        activity(): void {}
        decide(): boolean {
          return world.choose(2) === 1;
        }
      },
    },
    "worker/listener": {
      Listener: class {
        accept(command: object): void {
          world.listeners.get("accept")?.(command);
        }
      },
    },
  };
}

/** Node's function, on a port of a scenario. A scenario without notices has a port without messages. */
function receiveMessageOnPort(port: { receive?(): { message: object } | undefined }): object | undefined {
  return port.receive?.();
}

function same(_name: string, value: unknown): unknown {
  return value;
}

/** Node's class, over a channel of the model; messages are posted as letters. */
function broadcastChannel(world: World): unknown {
  return class {
    constructor(readonly name: string) {}
    postMessage(message: { caller: string; handleId: number }): void {
      world.post(this.name, world.letter(`${message.caller} ${message.handleId}`, message));
    }
    set onmessage(listener: (event: { data: unknown }) => void) {
      const { name } = this;
      world.listeners.set(name, (data) => listener({ data }));
    }
    close(): void {}
    unref(): void {}
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
  // A class that extends another must not share its private names. (`TcpSocket` and `ByteSource` may: they are the same objects.)
  const mark = /class \w+ extends /.test(text) ? "__" : "_";
  const body = text
    .replace(/#(\w+)/g, `${mark}$1`)
    .replace(/import \* as (\w+) from "(\.[^"]*)\.js";/g, (_, id: string, from: string) => {
      return `const ${id} = load("${posix.join(posix.dirname(name), from)}");`;
    })
    .replace(/import \{([^}]*)\} from "(node:[^"]*)";/g, (_, names: string, from: string) => {
      return `const {${names}} = load("${from}");`;
    })
    // The boot task imports the rest dynamically, to report what fails; here loading is synchronous.
    .replace(
      /await import\("(\.[^"]*)\.js"\)/g,
      (_, from: string) => `load("${posix.join(posix.dirname(name), from)}")`,
    )
    .replace(/export default async function/g, "export function")
    // The symbol that suspends a thread is not an error of the product.
    .replace(
      /catch (?:\((\w+)\) )?\{/g,
      (_, id = "error") => `catch (${id}) { if (typeof ${id} === "symbol") throw ${id};`,
    )
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
