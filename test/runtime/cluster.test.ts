/** Children of node:cluster: the package's sockets are opened in the child itself, and cluster's primary shares none of them. */

import { join } from "node:path";
import { connect } from "ringnet";
import { expect, test } from "vitest";
import { Process, root } from "../support/processes.js";

test("a cluster child does not share its ports: others get EADDRINUSE, also for a port that Node shares", () => {
  const cluster = new Process(process.execPath, [join(root, "test/runtime/cluster.js")], {
    env: { NODE_OPTIONS: undefined },
  });
  const [, secondPort] = cluster.waitForOutput(
    /^refused: EADDRINUSE EADDRINUSE EADDRINUSE, listens on (\d+)$/m,
    20_000,
  );
  const [, firstPort] = cluster.waitForOutput(/^listens on (\d+)$/m);
  expect(secondPort).not.toBe(firstPort);
  expect(answerFrom(firstPort)).toBe("hello at the first");
  expect(answerFrom(secondPort)).toBe("hello at the second");
  cluster.endInput();
  cluster.waitForExit();
});

function answerFrom(port: string | undefined): string | null {
  using socket = connect({ host: "127.0.0.1", port: Number(port), timeout: 5000 });
  socket.writeAll("hello\n");
  return socket.readLine(10_000);
}
