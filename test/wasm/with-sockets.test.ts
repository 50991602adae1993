/** `withSockets`: a program that emscripten has built without this package. */

import { join } from "node:path";
import { withSockets } from "ringnet/wasm";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { runPlainGuest } from "./support.js";

const { WebAssembly } = globalThis as unknown as { WebAssembly: { instantiate: unknown } };
const FS = () => null;

describe("withSockets", () => {
  test("gives a program sockets: datagrams", () => {
    expect(runPlainGuest("datagrams", startUdpPeer({ echo: true }).port).split("\n")).toEqual([
      "one from the port: 1",
      "two, cut: 1",
      "FIONREAD: 5",
      "peek 5, receive 5",
      "nothing more: Resource temporarily unavailable",
      "select: 0",
      "",
    ]);
  });

  test("gives a program sockets: servers, clients, copies of descriptors", () => {
    expect(runPlainGuest("local", join(temporaryFolder(), "socket"))).toBe(
      "copy 40: 1, the end after the last: 0\nclosed: Bad file descriptor\n",
    );
  });

  test("refuses unsuitable programs, and restores WebAssembly", async () => {
    const { instantiate } = WebAssembly;
    await expect(withSockets(async () => ({}), { FS })).rejects.toThrow(/no program was loaded that imports sockets/);
    await expect(withSockets(() => Promise.reject(new Error("no file")), { FS })).rejects.toThrow("no file");
    await expect(withSockets(null as never, { FS })).rejects.toThrow(TypeError);
    await expect(withSockets(() => null, {} as never)).rejects.toThrow(/options.FS must be a function/);
    const first = withSockets(() => new Promise((resolve) => setTimeout(resolve, 20)), { FS });
    await expect(withSockets(() => null, { FS })).rejects.toThrow(/already/);
    await expect(first).rejects.toThrow(/no program was loaded/);
    expect(WebAssembly.instantiate).toBe(instantiate);
  });
});
