/** poll, select and names of src/posix. */

import {
  AF_INET,
  AF_INET6,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_PASSIVE,
  AI_V4MAPPED,
  getAddressInfo,
  getNameInfo,
  NameError,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  POLLIN,
  POLLOUT,
  type Pollable,
  poll,
  SOCK_STREAM,
  select,
} from "ringnet/posix";
import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { loopback, newSocket } from "./support.js";

const NONE = { flags: 0, family: 0, type: 0, protocol: 0 };
const reason = (call: () => unknown): string | null => {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof NameError) return error.code;
    throw error;
  }
};

describe("poll", () => {
  test("waits for the first of several sockets, and no longer than its timeout", () => {
    const quiet = newSocket();
    quiet.connect(loopback(startPeer("silent").port));
    const busy = newSocket();
    const peer = startPeer("manual");
    busy.connect(loopback(peer.port));
    const list = [quiet, busy].map((source) => ({ source, events: POLLIN, found: 0 }));
    const start = performance.now();
    expect(poll(list, 50)).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(45);
    peer.send({ do: "write", text: "now", delay: 100 });
    expect(poll(list, 10_000)).toBe(1);
    expect(list.map(({ found }) => found)).toEqual([0, POLLIN]);
  });

  test("a listening socket is readable when a client waits", () => {
    const server = newSocket();
    server.bind(loopback(0));
    server.listen(1);
    const list = [{ source: server, events: POLLIN | POLLOUT, found: 0 }];
    expect(poll(list, 0)).toBe(0);
    startPeer("silent", { connect: (server.localAddress() as { port: number }).port });
    expect(poll(list, 10_000)).toBe(1);
    expect(list[0].found & POLLIN).toBe(POLLIN);
  });

  test("polls sources that can't be waited for", () => {
    const ready = performance.now() + 60;
    const source: Pollable = { readiness: () => (performance.now() > ready ? POLLIN : 0), pollEntry: () => null };
    expect(poll([{ source, events: POLLIN, found: 0 }], 10_000)).toBe(1);
  });
});

describe("select", () => {
  test("counts the members of each set", () => {
    const socket = newSocket();
    socket.connect(loopback(startPeer("greeter").port));
    poll([{ source: socket, events: POLLIN, found: 0 }], 10_000);
    const flags = { readable: false, writable: false, exceptional: false };
    const selected = { source: socket, read: true, write: true, except: true, ...flags };
    expect(select([selected], 10_000)).toBe(2);
    expect(selected).toMatchObject({ readable: true, writable: true, exceptional: false });
    const ignored = { source: socket, read: false, write: false, except: true, ...flags };
    expect(select([ignored], 30)).toBe(0);
  });
});

describe("getaddrinfo", () => {
  test("returns IPs and names, once each for TCP and for UDP", () => {
    const all = getAddressInfo("127.0.0.1", "http", NONE);
    expect(all.map(({ type, protocol, address }) => ({ type, protocol, ...address }))).toEqual([
      { type: 1, protocol: 6, family: AF_INET, ip: "127.0.0.1", port: 80 },
      { type: 2, protocol: 17, family: AF_INET, ip: "127.0.0.1", port: 80 },
    ]);
    const [first] = getAddressInfo("localhost", "8080", { ...NONE, type: SOCK_STREAM, flags: AI_CANONNAME });
    expect(["127.0.0.1", "::1"]).toContain(first.address.ip);
    expect(first).toMatchObject({ canonicalName: "localhost", address: { port: 8080 } });
  });

  test("without a name returns loopback, or the wildcard address", () => {
    const ips = (flags: number) =>
      getAddressInfo(null, "80", { ...NONE, type: SOCK_STREAM, flags }).map(({ address }) => address.ip);
    expect(ips(0)).toEqual(["127.0.0.1", "::1"]);
    expect(ips(AI_PASSIVE)).toEqual(["0.0.0.0", "::"]);
  });

  test("AI_V4MAPPED maps IPv4 addresses into IPv6", () => {
    const hints = { ...NONE, family: AF_INET6, type: SOCK_STREAM };
    expect(reason(() => getAddressInfo("127.0.0.1", null, hints))).toBe("EAI_NONAME");
    const [mapped] = getAddressInfo("127.0.0.1", null, { ...hints, flags: AI_V4MAPPED });
    expect(mapped.address.ip).toBe("::ffff:127.0.0.1");
  });

  test("fails with EAI values", () => {
    expect(reason(() => getAddressInfo(null, null, NONE))).toBe("EAI_NONAME");
    expect(reason(() => getAddressInfo("nobody.invalid", null, { ...NONE, flags: AI_NUMERICHOST }))).toBe("EAI_NONAME");
    expect(reason(() => getAddressInfo("127.0.0.1", "no such service", NONE))).toBe("EAI_SERVICE");
    expect(reason(() => getAddressInfo("127.0.0.1", "1", { ...NONE, family: 99 }))).toBe("EAI_FAMILY");
    expect(reason(() => getAddressInfo("127.0.0.1", "1", { ...NONE, type: 99 }))).toBe("EAI_SOCKTYPE");
  });

  test("getnameinfo returns the names of host and service, or the IP and the number", () => {
    const address = { family: AF_INET, ip: "127.0.0.1", port: 80 } as const;
    expect(getNameInfo(address, 0)).toEqual({ host: "localhost", service: "http" });
    expect(getNameInfo(address, NI_NUMERICHOST | NI_NUMERICSERV)).toEqual({ host: "127.0.0.1", service: "80" });
    expect(getNameInfo({ ...address, port: 1 }, NI_NUMERICHOST).service).toBe("1");
  });
});
