/** What the programs of users do with the package: they serve, connect, fail, and end. */

const assert = require("node:assert");

exports.expectSame = (some, others) => {
  assert.deepStrictEqual(Object.keys(some).sort(), Object.keys(others).sort());
  for (const name of Object.keys(some)) assert.strictEqual(some[name], others[name], name);
};

exports.exchange = ({ listen, connect, NetError }) => {
  const server = listen({ host: "127.0.0.1" });
  const client = connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 });
  const accepted = server.acceptWait(10_000);
  client.writeAll("hello\n");
  assert.strictEqual(accepted.readLine(10_000), "hello");
  for (const each of [client, accepted, server]) each.close();
  assert.throws(() => connect({ host: "127.0.0.1", port: server.port, timeout: 10_000 }), NetError);
  console.log("works");
};
