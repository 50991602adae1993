/**
 * A file of 1 GB through an echo server of the package, both ends blocking, in two processes.
 */

import { expect, test } from "vitest";
import { patternHash } from "../support/bytes.js";
import { Process } from "../support/processes.js";

const BYTES = 1_000_000_000;
const hash = patternHash(1, BYTES);

test.each([1 << 20, 1 << 16, 1 << 12])(
  "1 GB comes back unchanged through rings of %d bytes",
  (ringBytes) => {
    const client = new Process(process.execPath, ["test/tcp/echo-file.js", `${BYTES}`, `${ringBytes}`]);
    client.waitForExit(240_000);
    expect(client.errors).toBe("");
    const result = JSON.parse(client.output);
    expect(result).toMatchObject({ ringBytes, received: BYTES, sent: hash, got: hash, identical: true });
  },
  300_000,
);
