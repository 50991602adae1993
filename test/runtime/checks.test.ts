/**
 * When options are checked: before anything happens.
 */

import { type Address, createRuntime, type Runtime, resolve } from "ringnet";
import { expect, test } from "vitest";

test.each<[string, (runtime: Runtime) => unknown]>([
  ["connect", (runtime) => runtime.connect({ port: 70_000 })],
  ["connect", (runtime) => runtime.connect({ port: 80, receiveBuffer: 5000 })],
  ["connect", (runtime) => runtime.connect({ port: 80, path: "/tmp/x" })],
  ["listen", (runtime) => runtime.listen({ backlog: 0 })],
  ["listen", (runtime) => runtime.listen({ tls: { key: 5 as never } })],
  ["listen", (runtime) => runtime.listen({ path: "/tmp/x", host: "localhost" })],
  ["listen", (runtime) => runtime.listen({ keepAlive: -1 })],
  ["listen", (runtime) => runtime.listen({ tls: {} })],
  ["listen", (runtime) => runtime.listen({ tls: { cert: [], key: "" } })],
  ["connect", (runtime) => runtime.connect({ port: 80, tls: { constructor: 1 } as never })],
  ["listen", (runtime) => runtime.listen({ tls: { constructor: 1 } as never })],
  ["bindUdp", (runtime) => runtime.bindUdp({ receiveBuffer: 4096 })],
  ["bindUdp", (runtime) => runtime.bindUdp({ port: -1 })],
])("%s refuses a wrong option without starting a thread", (_, call) => {
  using runtime = createRuntime();
  expect(() => call(runtime)).toThrow(/must|cannot|needs|unknown option/);
  expect((runtime as unknown as { links: unknown[] }).links).toHaveLength(0);
});

test.each<[string, (runtime: Runtime, failed: Address) => unknown]>([
  ["connect", (runtime, host) => runtime.connect({ host, port: 80 })],
  ["listen", (runtime, host) => runtime.listen({ host })],
  ["bindUdp", (runtime, host) => runtime.bindUdp({ host })],
])("%s throws the error of an address that has failed without starting a thread", (_, call) => {
  const failed = resolve("no-such-host.invalid");
  expect(failed.waitUntilResolved(10_000)).toBe("failure");
  using runtime = createRuntime();
  expect(() => call(runtime, failed)).toThrow(failed.error as Error);
  expect((runtime as unknown as { links: unknown[] }).links).toHaveLength(0);
});
