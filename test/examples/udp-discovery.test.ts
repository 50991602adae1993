/**
 * examples/udp-discovery.js on the loopback.
 */

import { expect, test } from "vitest";
import { Process } from "../support/processes.js";
import { runProgram } from "../support/programs.js";

const PROGRAM = "examples/udp-discovery.js";

test("finds all services, and nothing else", () => {
  const env = { INTERFACE: "127.0.0.1", PORT: "17771" };
  const offers = { "my printer": "631", "the lämp": "80", "my printer 2": "631" };
  for (const [name, port] of Object.entries(offers)) {
    new Process(process.execPath, [PROGRAM, "offer", name, port], { env }).waitForOutput(/^offering/m);
  }
  // Noise in the group must not disturb others.
  const { errors } = runProgram(
    `import dgram from "node:dgram";
    const socket = dgram.createSocket("udp4");
    socket.bind(0, () => {
      socket.setMulticastInterface("127.0.0.1");
      socket.send("{nonsense", 17771, "239.255.77.77", () => socket.close());
    });`,
  );
  expect(errors).toBe("");
  const finder = new Process(process.execPath, [PROGRAM, "find"], { env });
  finder.waitForExit();
  expect(finder.errors).toBe("");
  expect(finder.output.split("\n").sort()).toEqual([
    "",
    "my printer 2 at 127.0.0.1 port 631",
    "my printer at 127.0.0.1 port 631",
    "the lämp at 127.0.0.1 port 80",
  ]);
});

test("finds nothing where there is no service", () => {
  const finder = new Process(process.execPath, [PROGRAM, "find"], { env: { INTERFACE: "127.0.0.1", PORT: "17772" } });
  finder.waitForExit();
  expect([finder.output, finder.errors]).toEqual(["", ""]);
});
