/**
 * A file through an echo server of the package, both ends blocking, in two processes. `echo-file.js` alone takes any
 * size; what is slow per byte gets fewer bytes here.
 */

import { expect, test } from "vitest";
import { patternHash } from "../support/bytes.js";
import { Process } from "../support/processes.js";

test.each([
  [1_000_000_000, 1 << 20],
  [250_000_000, 1 << 16],
  [50_000_000, 1 << 12],
])(
  "%d bytes through rings of %d bytes come back identical",
  (bytes, ringBytes) => {
    const client = new Process(process.execPath, ["test/tcp/echo-file.js", `${bytes}`, `${ringBytes}`]);
    client.waitForExit(120_000);
    expect(client.errors).toBe("");
    const result = JSON.parse(client.output);
    const hash = patternHash(1, bytes);
    expect(result).toMatchObject({ bytes, ringBytes, received: bytes, sent: hash, got: hash, identical: true });
  },
  150_000,
);
