/**
 * Names and paths reach the system as they were given, or not at all: nothing is masked, cut or replaced on the way.
 */

import { isIP } from "node:net";
import { bindUdp, connect, listen, NetError, resolve } from "ringnet";
import { describe, expect, test } from "vitest";
import { ipFamily } from "../../build/main/api/host-name.js";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { startUdpPeer } from "../udp/support/udp-peers.js";
import { errorOf } from "./sockets.js";

/** "localhost" if masked to seven bits, but a different name. */
const MASKED = "Ŭůţalhost";
const ENCODED = "xn--alhost-okb3fsa";
/** Names without an IDNA form; `domainToASCII` turns some into "xn--tda". */
const NO_NAMES = [
  "ü/evil",
  "ü:80",
  "ü?",
  "ü#",
  "ü\\x",
  "ü\tx",
  "ü x",
  "ü@x",
  "ü%2e",
  "\u00ad",
  "xn--ü",
  "１２７.0.0.1",
];

describe("a name with characters beyond ASCII", () => {
  test("reaches the host that its encoded form names, by TCP and UDP, for clients and servers", () => {
    const tcp = startPeer("greeter", { host: "127.0.0.5", text: "right" });
    const udp = startUdpPeer({ host: "127.0.0.5", port: tcp.port });
    const { output, errors } = runProgram(
      `import { bindUdp, connect, listen, net, resolve } from "ringnet";
      const [port, name] = [Number(process.argv[1]), process.argv[2]];
      console.log(resolve(name).hostname, resolve(name).waitUntilResolved(5000), listen({ host: name }).address);
      for (const host of [name, resolve(name)]) console.log(connect({ host, port, timeout: 5000 }).remoteAddress);
      const socket = bindUdp({ host: "0.0.0.0" });
      socket.send("by name", port, name);
      socket.waitUntilDrained(5000);
      socket.connect(port, name);
      socket.send("connected");
      socket.waitUntilDrained(5000);
      console.log(bindUdp({ host: name }).address);
      const [tcp] = net.open_tcp(net.resolve_address(name)[0], port);
      console.log(tcp.wait_until_connected(5000)[0]);`,
      { args: [`${tcp.port}`, MASKED], names: { [ENCODED]: ["127.0.0.5"] } },
    );
    expect(errors).toBe("");
    expect(output).toBe(`${MASKED} success 127.0.0.5\n127.0.0.5\n127.0.0.5\n127.0.0.5\nsuccess\n`);
    expect(udp.waitForEvent("message", 5000, 2).text).toBe("connected");
    expect(udp.events("message")[0]?.text).toBe("by name");
  });

  test("never reaches the host that masking to seven bits would name", () => {
    const peer = startUdpPeer();
    const socket = bindUdp({ host: "127.0.0.1" });
    expect(socket.send("astray", peer.port, MASKED)).toBe(true);
    expect(errorOf(() => socket.receiveWait(20_000)).code).toMatch(/^ENOTFOUND$|^EAI_AGAIN$/);
    expect(socket.send("last", peer.port, "127.0.0.1")).toBe(true);
    peer.waitForEvent("message");
    expect(peer.events("message").map(({ text }) => text)).toEqual(["last"]);
    socket.close();
  });

  test.each(NO_NAMES)("that can't be encoded is refused in every call: %j", (name) => {
    const socket = bindUdp({ host: "127.0.0.1" });
    const calls = [
      () => resolve(name),
      () => connect({ host: name, port: 9 }),
      () => listen({ host: name }),
      () => bindUdp({ host: name }),
      () => socket.send("x", 9, name),
      () => socket.connect(9, name),
    ];
    for (const call of calls) {
      const error = errorOf(call);
      expect(error.code).toBe("ENOTFOUND");
      expect(error.message).toContain("must be a host name");
    }
    socket.close();
  });
});

test.each([
  ["a lone surrogate", "name-\ud800"],
  ["a NUL", "name\0"],
])("%s, which would be altered on the way, is refused in every text", (_, text) => {
  const socket = bindUdp({ host: "127.0.0.1" });
  const calls: (() => unknown)[] = [
    () => resolve(text),
    () => connect({ path: `/tmp/${text}` }),
    () => listen({ path: `/tmp/${text}` }),
    () => socket.send("x", 9, text),
    () => socket.addMembership(text),
    () => socket.setMulticastInterface(text),
    () => connect({ port: 9, tls: { servername: text } }),
    () => connect({ port: 9, tls: { ciphers: text } }),
    () => connect({ port: 9, tls: { caFile: text } }),
    () => connect({ port: 9, tls: { ALPNProtocols: [text] } }),
  ];
  for (const call of calls) {
    let thrown: unknown = "nothing";
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    expect(thrown instanceof RangeError || thrown instanceof NetError, String(thrown)).toBe(true);
  }
  socket.close();
});

test("`ipFamily` returns the same as Node's `isIP`", () => {
  const hosts = [
    "",
    "localhost",
    "127.0.0.1",
    "127.0.0.01",
    "256.1.1.1",
    "::",
    "::1",
    "fe80::1%lo",
    "::ffff:1.2.3.4",
    ":",
    "1:2",
    "a:b::c",
    "[::1]",
  ];
  expect(hosts.map(ipFamily)).toEqual(hosts.map((host) => isIP(host)));
});
