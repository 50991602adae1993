/**
 * The names of options: every call refuses an unknown one, and says what to write instead.
 */

import { bindTcp, bindUdp, connect, createNet, createRuntime, listen, resolve } from "ringnet";
import { createHttpClient, fetch } from "ringnet/http";
import { runBlocking, servePool } from "ringnet/pool";
import { listenWebSocket, openWebSocket } from "ringnet/websocket";
import { expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { errorOf, openTo } from "../tcp/sockets.js";

type Call = (options: object) => unknown;

const calls: Record<string, Call> = {
  connect: (options) => connect({ port: 9, ...options }),
  listen: (options) => listen(options),
  bindTcp: (options) => bindTcp(options),
  bindUdp: (options) => bindUdp(options),
  createRuntime: (options) => createRuntime(options),
  "createRuntime's resourceLimits": (resourceLimits) => createRuntime({ resourceLimits }),
  "connect's tls": (tls) => connect({ port: 9, tls }),
  "listen's tls": (tls) => listen({ tls }),
  resolve: (options) => resolve("localhost", options),
  createNet: (options) => createNet(options),
  fetch: (options) => fetch("https://localhost:9/", options),
  createHttpClient: (options) => createHttpClient(options),
  openWebSocket: (options) => openWebSocket("wss://localhost:9/", options),
  listenWebSocket: (options) => listenWebSocket(options),
};

/** The error of a call that refuses its options. */
function refusal(call: Call, options: object): Error {
  try {
    call(options);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

test.each(Object.entries(calls))("%s refuses an unknown option, and lists the known ones", (_, call) => {
  expect(refusal(call, { wibble: 1 }).message).toMatch(/unknown option (\w+\.)?wibble; expected one of \w+/);
  expect(refusal(call, { wibble: undefined }).message).toMatch(/unknown option (\w+\.)?wibble/);
});

test.each([{ wibble: 1 }, { cert: "x" }, { tls: { wibble: 1 } }, { resourceLimits: { wibble: 1 } }])(
  "servePool refuses %j",
  async (options) => {
    const pool = servePool({ handler: new URL(import.meta.url), ...(options as object) });
    await expect(pool).rejects.toThrow(/wibble|cert/);
  },
);

test("runBlocking refuses an unknown option", async () => {
  const task = runBlocking(new URL(import.meta.url), null, { timeout: 5 } as never);
  await expect(task).rejects.toThrow(/unknown option timeout; expected one of signal/);
});

test.each(["readLine", "readUntil", "readAll"] as const)("%s refuses an unknown option", (method) => {
  const socket = openTo(startPeer("silent"));
  const call = (options: object) =>
    method === "readUntil" ? socket.readUntil("\n", 0, options) : socket[method](0, options);
  expect(refusal(call, { maxLenght: 1 }).message).toBe("unknown option maxLenght; did you mean maxLength?");
  if (method !== "readLine") expect(refusal(call, { encoding: "utf8" }).message).toMatch(/only readLine/);
  expect(refusal(call, { timeout: 1 }).message).toMatch(/the timeout comes before the options/);
  socket.close();
});

test.each<[string, object, RegExp]>([
  ["connect", { timout: 5 }, /unknown option timout; did you mean timeout\?/],
  ["connect", { timeOut: 5 }, /did you mean timeout\?/],
  ["connect", { hots: "x" }, /did you mean host\?/],
  ["connect", { no_delay: true }, /did you mean noDelay\?/],
  ["connect", { rejectUnauthorized: true }, /unknown option rejectUnauthorized; .*tls: \{ rejectUnauthorized/],
  ["connect", { ca: "x" }, /tls: \{ ca/],
  ["connect", { servername: "x" }, /tls: \{ servername/],
  ["connect", { ssl: true }, /tls: true/],
  ["connect", { secure: true }, /tls: true/],
  ["connect", { hostname: "x" }, /host/],
  ["connect", { socketPath: "x" }, /path/],
  ["connect", { family: 4 }, /IP/],
  ["connect", { lookup: () => {} }, /resolve/],
  ["connect", { keepAliveInitialDelay: 5 }, /keepAlive/],
  ["connect", { signal: null }, /timeout/],
  ["listen", { cert: "x", key: "y" }, /tls: \{ cert/],
  ["listen", { hostname: "x" }, /host/],
  ["listen", { backlogs: 5 }, /did you mean backlog\?/],
  ["bindUdp", { type: "udp4" }, /host/],
  ["bindUdp", { address: "127.0.0.1" }, /host/],
  ["bindUdp", { recvBufferSize: 1 }, /receiveBuffer/],
  ["createRuntime", { thread: 2 }, /did you mean threads\?/],
  ["fetch", { rejectUnauthorized: false }, /tls: \{ rejectUnauthorized/],
  ["fetch", { agent: null }, /createHttpClient/],
  ["createHttpClient", { ca: "x" }, /tls: \{ ca/],
  ["openWebSocket", { rejectUnauthorized: false }, /tls: \{ rejectUnauthorized/],
  ["listenWebSocket", { cert: "x" }, /tls: \{ cert/],
  [
    "connect's tls",
    { rejectUnautorized: false },
    /unknown option tls\.rejectUnautorized; did you mean rejectUnauthorized\?/,
  ],
  ["connect's tls", { checkServerIdentity: () => {} }, /another thread/],
  ["connect's tls", { secureProtocol: "TLSv1_2_method" }, /minVersion/],
  ["connect's tls", { host: "x" }, /beside tls/],
])("%s says what to write instead of %j", (name, options, message) => {
  expect(refusal(calls[name] as Call, options).message).toMatch(message);
});

test("sends nothing where options in the style of node:tls are refused", () => {
  const peer = startPeer("manual");
  const options = { host: "127.0.0.1", port: peer.port, ca: "x", ssl: true, rejectUnauthorized: true };
  expect(() => connect(options as never)).toThrow(TypeError);
  openTo(peer).close();
  peer.waitForEvent("connection");
  expect(peer.events("connection")).toHaveLength(1);
});

test("inherited properties are not options", () => {
  const peer = startPeer("echo");
  const inherited = Object.create({ port: 1, tls: true, wibble: 1 });
  const socket = connect(Object.assign(inherited, { host: "127.0.0.1", port: peer.port, timeout: 5000 }));
  expect(socket).toMatchObject({ status: "success", encrypted: false });
  socket.close();
  expect(() => connect(Object.create({ host: "127.0.0.1", port: peer.port }))).toThrow(/port must be given/);
});

test("inherited names are not options either", () => {
  expect(() => connect({ port: 9, toString: 1 } as never)).toThrow(/unknown option toString/);
  expect(() => connect({ port: 9, ["__proto__"]: 1 } as never)).toThrow(/unknown option __proto__/);
});

test("an option whose value is undefined counts as absent", () => {
  const closed = { host: "127.0.0.1", port: 1, timeout: 1000, tls: undefined, keepAlive: undefined };
  expect(errorOf(() => connect(closed)).code).toBe("ECONNREFUSED");
});
