/** Timeouts in a program whose tests have stopped the clock, as fake timers do (`vi.useFakeTimers`, `jest.useFakeTimers`). */

import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { moduleCommand } from "../support/runtime.js";

test.each([
  ["performance.now", "performance.now = () => 0;"],
  ["performance", "Object.defineProperty(globalThis, 'performance', { value: { now: () => 0 } });"],
])("timeouts end although %s was replaced", (_, stop) => {
  const peer = startPeer("silent");
  const [command = "", ...args] = moduleCommand(programThatWaits(peer.port, stop), []);
  const program = new Process(command, args);
  program.waitForOutput(/done/, 20_000);
  expect(program.output.split("\n").slice(0, -2)).toEqual([
    "waitUntilReadable: false",
    "poll: 0",
    "readExactly: ETIMEDOUT",
    "receiveWait: ETIMEDOUT",
    "acceptWait: ETIMEDOUT",
    "fetch: ETIMEDOUT",
  ]);
});

/** A program that stops its clock after it has loaded the package, and whose calls all time out. */
function programThatWaits(port: number, stop: string): string {
  return `
    import { bindUdp, connect, listen, poll } from "ringnet";
    import { fetch } from "ringnet/http";
    const { log } = console;
    const socket = connect({ host: "127.0.0.1", port: ${port} });
    if (socket.waitUntilConnected(10_000) !== "success") throw socket.error ?? new Error("not connected");
    const server = listen({ host: "127.0.0.1" });
    const datagrams = bindUdp({ host: "127.0.0.1", port: 0 });
    poll([socket]);
    ${stop}
    function codeOf(action) {
      try {
        action();
      } catch (error) {
        return error.code ?? error;
      }
    }
    log("waitUntilReadable:", socket.waitUntilReadable(50));
    log("poll:", poll([socket], 50).length);
    log("readExactly:", codeOf(() => socket.readExactly(1, 50)));
    log("receiveWait:", codeOf(() => datagrams.receiveWait(50)));
    log("acceptWait:", codeOf(() => server.acceptWait(50)));
    log("fetch:", codeOf(() => fetch("http://127.0.0.1:${port}/", { proxy: null, timeout: 50 }).status));
    log("done");`;
}
