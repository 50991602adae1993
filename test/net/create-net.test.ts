/**
 * `createNet`, and what the facade does for programs that come from Lua.
 */

import { createNet, createRuntime, net } from "ringnet";
import * as subpath from "ringnet/net";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { waitFor } from "../support/waiting.js";
import { addressOf, failureText, unwrap } from "./connections.js";

/** Reads to the end, and gives what `read` returned there. */
function endOf(tcp: net.tcp): [Buffer | null, string | null] {
  return waitFor("the end", () => {
    const result = tcp.read(1000);
    return result[0] === null ? result : undefined;
  });
}

describe("createNet", () => {
  test("is exported by the root and by ringnet/net, and makes a net with the same classes", () => {
    expect(subpath.createNet).toBe(createNet);
    const own = createNet();
    expect(Object.keys(own)).toEqual(Object.keys(net));
    expect(own.tcp).toBe(net.tcp);
  });

  test("with a separate runtime everything is opened on it, accepted connections and addresses too", () => {
    const runtime = createRuntime();
    const own = createNet(runtime);
    const server = unwrap(own.create_server(0));
    const client = unwrap(own.open_tcp(unwrap(own.resolve_address("localhost")), server.get_port()));
    expect(client.wait_until_connected(5000)).toEqual(["success", null]);
    const udp = unwrap(own.open_udp(null, 0));
    runtime.close();
    expect(client.get_status()[0]).toBe("failure");
    expect(failureText(server.accept())).toMatch(/runtime was closed/);
    expect(failureText(udp.receive())).toMatch(/runtime was closed/);
    expect(failureText(own.create_server(0))).toMatch(/runtime was closed/);
    const still = unwrap(net.create_server(0)); // the other net still works
    still.close();
  });

  test("every connection gets the ring sizes; a UDP socket gets at least what it needs", () => {
    const own = createNet({ receiveBuffer: 4096, sendBuffer: 8192 });
    const client = unwrap(own.open_tcp(addressOf("127.0.0.1"), startPeer("silent").port));
    expect(client.write(Buffer.alloc(100_000))).toEqual([8192, null]); // nothing goes out before it is connected
    const udp = unwrap(own.open_udp(null, 0));
    expect(udp.send(addressOf("127.0.0.1"), 9, Buffer.alloc(60_000))).toEqual([true, null]);
    udp.close();
    client.close();
  });

  test("endOfStream is the text at the end of a stream, each time; without it there is none", () => {
    const own = createNet({ endOfStream: "End of stream" });
    const open = (from: typeof net) => {
      const peer = startPeer("manual");
      const tcp = unwrap(from.open_tcp(addressOf("127.0.0.1"), peer.port));
      peer.waitForEvent("connection");
      peer.send({ do: "write", text: "bye" });
      peer.send({ do: "end" });
      return tcp;
    };
    const tcp = open(own);
    expect(endOf(tcp)).toEqual([null, "End of stream"]);
    expect(tcp.read(10)).toEqual([null, "End of stream"]);
    tcp.close();
    expect(failureText(tcp.read(10))).toMatch(/closed/);
    const plain = open(net);
    expect(endOf(plain)).toEqual([null, null]);
    plain.close();
  });

  test.each([
    [{ receiveBuffer: 5000 }, RangeError],
    [{ sendBuffer: "4096" }, TypeError],
    [{ endOfStream: 5 }, TypeError],
    [{ endOfStream: "" }, RangeError],
    [{ runtime: {} }, TypeError],
    [{ threads: 2 }, TypeError],
    [null, TypeError],
  ])("refuses %j", (options, kind) => {
    expect(() => createNet(options as never)).toThrow(kind);
  });
});

describe("what is nil in Lua", () => {
  test("a timeout and ssl may be null", () => {
    const address = addressOf("127.0.0.1");
    expect(address.wait_until_resolved(null)).toEqual(["success", null]);
    const tcp = unwrap(net.open_tcp(address, startPeer("echo").port, null));
    waitFor("the connection", () => tcp.wait_until_connected(null)[0] === "success");
    expect(tcp.wait_until_drained(null)).toEqual([0, null]);
    tcp.close();
  });
});

describe("a bad host name is a failed pair", () => {
  test.each([
    ["", /must not be empty/],
    ["a\0b", /NUL/],
    ["a.".repeat(127).concat("b"), /at most 253 characters, not 255/],
    ["\ud800", /lone surrogate/],
    ["a b\u00fc", /getaddrinfo ENOTFOUND/],
  ])("%j", (name, message) => {
    expect(failureText(net.resolve_address(name))).toMatch(message);
  });

  test("the longest name and a dot at its end are looked up", () => {
    const longest = `${"aaaaaaaa.".repeat(27)}aa.invalid`;
    expect(longest).toHaveLength(253);
    for (const name of [longest, `${longest}.`]) {
      expect(unwrap(net.resolve_address(name)).wait_until_resolved(10_000)[0]).toBe("failure");
    }
  });
});

describe("an IPv4 address on a socket for both families has its IPv4 text", () => {
  test("of a client of an all-interfaces server", () => {
    const server = unwrap(net.create_server(0));
    startPeer("silent", { connect: server.get_port(), host: "127.0.0.1" });
    const client = waitFor("a client", () => server.accept()[0] ?? undefined);
    const address = unwrap(client.get_address());
    expect([address.get_ip(), address.get_hostname(), String(address)]).toEqual([
      "127.0.0.1",
      "127.0.0.1",
      "127.0.0.1",
    ]);
    client.close();
    server.close();
  });

  test("of a datagram's sender, which an answer reaches", () => {
    const udp = unwrap(net.open_udp(null, 0));
    const other = unwrap(net.open_udp(addressOf("127.0.0.1"), 0));
    other.send(addressOf("127.0.0.1"), udp.get_port(), "question");
    const datagram = waitFor("a datagram", () => udp.receive()[0] ?? undefined);
    expect(datagram.get_address().get_ip()).toBe("127.0.0.1");
    expect(udp.send(datagram.get_address(), datagram.get_port(), "answer")).toEqual([true, null]);
    waitFor("the answer", () => other.receive()[0] !== null);
    udp.close();
    other.close();
  });
});
