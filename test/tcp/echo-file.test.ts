/**
 * A large file through an echo server of the package, both ends blocking, in two processes.
 */

import { expect, test } from "vitest";
import { patternHash } from "../support/bytes.js";
import { Process } from "../support/processes.js";

test.each([
  [1_000_000_000, 1 << 20],
  [300_000_000, 1 << 16],
  [30_000_000, 1 << 12],
])(
  "%d bytes come back unchanged through rings of %d bytes",
  (bytes, ringBytes) => {
    const client = new Process(process.execPath, ["test/tcp/echo-file.js", `${bytes}`, `${ringBytes}`]);
    client.waitForExit(240_000);
    expect(client.errors).toBe("");
    const hash = patternHash(1, bytes);
    const result = JSON.parse(client.output);
    expect(result).toMatchObject({ ringBytes, received: bytes, sent: hash, got: hash, identical: true });
  },
  300_000,
);
