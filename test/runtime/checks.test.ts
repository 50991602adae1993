/**
 * When options are checked: before anything happens.
 */

import { createRuntime, type Runtime } from "ringnet";
import { expect, test } from "vitest";

test.each<[string, (runtime: Runtime) => unknown]>([
  ["connect", (runtime) => runtime.connect({ port: 70_000 })],
  ["connect", (runtime) => runtime.connect({ port: 80, receiveBuffer: 5000 })],
  ["connect", (runtime) => runtime.connect({ port: 80, path: "/tmp/x" })],
  ["listen", (runtime) => runtime.listen({ backlog: 0 })],
  ["listen", (runtime) => runtime.listen({ tls: { key: 5 as never } })],
  ["bindUdp", (runtime) => runtime.bindUdp({ receiveBuffer: 4096 })],
  ["bindUdp", (runtime) => runtime.bindUdp({ port: -1 })],
])("%s refuses a wrong option without starting a thread", (_, call) => {
  using runtime = createRuntime();
  expect(() => call(runtime)).toThrow(/must|cannot/);
  expect((runtime as unknown as { links: unknown[] }).links).toHaveLength(0);
});
