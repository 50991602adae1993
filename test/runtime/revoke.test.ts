/**
 * `TcpSocket.revoke`: the thread that detached a connection resets it, after the thread that attached it has ended.
 */

import { connect, listen, NetError, type SocketToken, TcpSocket } from "ringnet";
import { expect, test } from "vitest";

/** Internal: the package's pools use it, and its types don't declare it. */
const { revoke } = TcpSocket as unknown as { revoke(token: SocketToken): void };

const host = "127.0.0.1";

function pair(): { client: TcpSocket; accepted: TcpSocket } {
  const server = listen({ host });
  const client = connect({ host, port: server.port, timeout: 10_000 });
  const accepted = server.acceptWait(10_000);
  server.close();
  return { client, accepted };
}

const codeOf = (call: () => unknown) => {
  try {
    return call();
  } catch (error) {
    return error instanceof NetError ? error.code : error;
  }
};

test("resets a connection that was not attached", () => {
  const { client, accepted } = pair();
  revoke(accepted.detach());
  expect(codeOf(() => client.readExactly(1, 10_000))).toBe("ECONNRESET");
  client.close();
});

test("does nothing once the connection is gone, nor to the next one in its slot", () => {
  const { client, accepted } = pair();
  const token = accepted.detach();
  TcpSocket.attach(token).close();
  client.close();
  const next = pair();
  revoke(token);
  next.client.writeAll("hello");
  expect(String(next.accepted.readExactly(5, 10_000))).toBe("hello");
  next.client.close();
  next.accepted.close();
});

test("throws a TypeError for what is not a token", () => {
  expect(() => revoke({} as never)).toThrow(TypeError);
});
