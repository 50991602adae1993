/**
 * Short exercises of the features beside connections: cancelled waits, bound ports, inputs, datagrams, look-ups of names, WebSockets, HTTP. The walk and the
 * soak run them between their own steps. Each opens what it needs, checks the results, and closes it; timeouts are numbers or deadlines.
 */

import { execFileSync } from "node:child_process";
import { constants, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { cancel, Deadline, NetError, Poller, poll } from "ringnet";
import { createHttpClient } from "ringnet/http";
import { listenWebSocket, openWebSocket } from "ringnet/websocket";
import { pattern } from "../../support/bytes.js";

const host = "127.0.0.1";
const PAGE = "page.bin";
const PAGE_BYTES = 100_000;

function must(condition, what) {
  if (!condition) throw new Error(what);
}

function mustEqual(actual, expected, what) {
  must(Buffer.from(actual).equals(Buffer.from(expected)), `${what}: other bytes than those sent`);
}

/** The code of the `NetError` that a call throws, or null. */
function codeOf(call) {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return error.code;
  }
}

/** The options among these that this Node has. */
function known(runtime, options) {
  const works = ([name, value]) => codeOf(() => runtime.listen({ host, [name]: value }).close()) === null;
  return Object.fromEntries(Object.entries(options).filter(works));
}

/**
 * The exercises by name; each takes a runtime. `folder` is an empty folder for their use.
 * @param {import("./random.js").Random} random
 * @param {string} folder
 */
export function makeAsides(random, folder) {
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  const writer = openSync(fifo, constants.O_RDWR); // opening one end alone would wait for the other
  writeFileSync(join(folder, PAGE), pattern(7, 0, PAGE_BYTES));
  const within = () => (random.chance(0.5) ? new Deadline(20_000) : 20_000);
  const bytesBelow = (limit) => pattern(random.below(2 ** 20), 0, random.below(limit));

  return {
    /** Of each kind of wait, cancelled before it begins; several cancels of one wait end that wait only. */
    cancelled(runtime) {
      const server = runtime.listen({ host });
      const udp = runtime.bindUdp({ host });
      const poller = new Poller().add(server);
      const waits = {
        acceptWait: () => server.acceptWait(within()),
        receiveWait: () => udp.receiveWait(within()),
        poll: () => poll([{ handle: server }, udp], within()),
        "Poller.wait": () => poller.wait(within()),
      };
      for (const [name, wait] of Object.entries(waits)) {
        const cancelled = { acceptWait: [server], receiveWait: [udp], poll: [server, udp], "Poller.wait": [poller] }[
          name
        ];
        for (const each of cancelled) cancel(structuredClone(each.canceller()));
        must(codeOf(wait) === "ERR_CANCELLED", `${name} was not cancelled`);
      }
      must(poll([server, udp], 0).length === 0, "a cancel ended two waits");
      server.close();
      udp.close();
    },
    /** Ports that are bound before a server and a connection use them; the runtime's counters, and the machine's addresses. */
    bound(runtime) {
      const [to, from] = [runtime.bindTcp({ host }), runtime.bindTcp({ host })];
      const refused = () => runtime.connect({ host, port: to.port, timeout: within() });
      must(codeOf(refused) === "ECONNREFUSED", "a port that does not listen does not refuse");
      const server = runtime.listen({ bound: to });
      const client = runtime.connect({ bound: from, host, port: to.port, timeout: within() });
      const accepted = server.acceptWait(within());
      must(server.port === to.port && accepted.remotePort === from.port, "other ports than the bound ones");
      must(poll([to, from], 0).length === 2, "bound sockets that were used are not closed");
      const { handles, ringMemory } = runtime.stats();
      must(handles >= 3 && ringMemory > 0, "the runtime does not count its handles");
      must(
        runtime.localAddresses().some(({ ip }) => ip === host),
        "the machine has no loopback address",
      );
      for (const each of [client, accepted, server, runtime.bindTcp()]) each.close();
    },
    /** A pipe, read in two parts. */
    input(runtime) {
      const bytes = bytesBelow(4000);
      const input = runtime.openInput(openSync(fifo, constants.O_RDONLY), { receiveBuffer: 4096 });
      writeSync(writer, bytes);
      const half = random.below(bytes.length + 1);
      mustEqual(input.readExactly(half, within()), bytes.subarray(0, half), "the input");
      if (half < bytes.length) must(poll([input], within())[0] === input, "poll does not report the input");
      mustEqual(input.readExactly(bytes.length - half, within()), bytes.subarray(half), "the rest of the input");
      must(input.readable === 0, "more came in than was written");
      input.close();
    },
    /** Datagrams, looked at and then received into a buffer that may be too small. */
    datagrams(runtime) {
      const [from, to] = [runtime.bindUdp({ host }), runtime.bindUdp({ host })];
      for (let left = 1 + random.below(4); left > 0; left--) {
        const bytes = bytesBelow(2000);
        must(from.send(bytes, to.port, host), "the datagram was not taken");
        must(to.waitUntilReadable(within()), "the datagram does not come");
        must(to.nextSize === bytes.length, `nextSize is ${to.nextSize}, not ${bytes.length}`);
        mustEqual(to.peek().data, bytes, "peek");
        const target = Buffer.alloc(random.below(2500));
        const { length, size, port } = to.receiveInto(target);
        must(size === bytes.length && port === from.port, "receiveInto says another size or port");
        must(length === Math.min(size, target.length), `receiveInto copied ${length} of ${size} bytes`);
        mustEqual(target.subarray(0, length), bytes.subarray(0, length), "receiveInto");
        must(to.peek() === null && to.nextSize === null && to.receiveInto(target) === null, "a datagram came twice");
      }
      from.close();
      to.close();
    },
    /** Two servers on one port, where Node can share it, and a client from a port of its choice, which marks its packets. */
    options(runtime) {
      const sharing = known(runtime, { reusePort: true });
      const marking = known(runtime, { dscp: 46 });
      const free = runtime.listen({ host });
      const localPort = free.port;
      free.close();
      const servers = [runtime.listen({ host, ...sharing, ...marking })];
      const { port } = servers[0];
      if (sharing.reusePort) servers.push(runtime.listen({ host, port, ...sharing, ...marking }));
      const client = runtime.connect({ host, port, localPort, ...marking });
      if (client.waitUntilConnected(within()) === "failure") {
        must(client.error.code === "EADDRINUSE", `connect from a free port: ${client.error.message}`); // it was, a moment ago
      } else {
        const [server] = poll(servers, within());
        const accepted = server.accept();
        must(accepted.remotePort === localPort, `the client has port ${accepted.remotePort}, not ${localPort}`);
        must(
          client.options.dscp === marking.dscp && accepted.options.dscp === marking.dscp,
          "options say another dscp",
        );
        const bytes = bytesBelow(4000);
        client.writeAll(bytes, within());
        mustEqual(accepted.readExactly(bytes.length, within()), bytes, "over a shared port");
        accepted.reset(); // leaves no port in TIME_WAIT
      }
      client.close();
      for (const server of servers) server.close();
      const udp = runtime.bindUdp({ host, ...sharing });
      if (sharing.reusePort) runtime.bindUdp({ host, port: udp.port, ...sharing }).close();
      udp.close();
    },
    reverse(runtime) {
      const code = codeOf(() => must(runtime.reverse(host, within()) !== "", "the name is empty"));
      must(code === null || code === "ENOTFOUND", `reverse threw ${code}`);
    },
    /** Messages there and back, and the close. One server in two verifies requests, and refuses some before. */
    webSocket(runtime) {
      const options = { runtime, receiveBuffer: 2 ** (13 + random.below(4)), sendBuffer: 2 ** (13 + random.below(4)) };
      const verify = random.chance(0.5) ? ({ url }) => url === "/" || 404 : undefined;
      const server = listenWebSocket({ host, perMessageDeflate: random.chance(0.3), verify, ...options });
      const open = (path) =>
        openWebSocket(`ws://${host}:${server.port}${path}`, { perMessageDeflate: true, ...options });
      for (let left = verify === undefined ? 0 : random.below(3); left > 0; left--) {
        const refused = open("/elsewhere");
        must(server.waitUntilAcceptable(within()) && server.accept() === null, "verify does not refuse");
        must(refused.waitUntilOpen(within()) === "failure", "a refused WebSocket is open");
        refused.close();
      }
      const client = open("/");
      const accepted = server.acceptWait(within());
      must(client.waitUntilOpen(within()) === "success", `the WebSocket fails: ${client.error?.message}`);
      for (let left = random.below(6); left > 0; left--) {
        const [from, to] = random.chance(0.5) ? [client, accepted] : [accepted, client];
        const bytes = bytesBelow(6000);
        const message = random.chance(0.5) ? bytes : bytes.toString("base64");
        from.sendWait(message, within());
        const received = to.receive(within());
        must(typeof received === typeof message, "text came as bytes, or bytes as text");
        mustEqual(received, message, "a message");
      }
      const [first, last] = random.chance(0.5) ? [client, accepted] : [accepted, client];
      first.close(4000, "enough");
      must(last.receive(within()) === null && last.closeCode === 4000, `the close has the code ${last.closeCode}`);
      last.close();
      server.close();
    },
    /** A page of a server in the networking thread. */
    http(runtime) {
      const server = listenWebSocket({ host, files: folder, runtime });
      const client = createHttpClient({ runtime });
      for (let left = 1 + random.below(3); left > 0; left--) {
        const response = client.fetch(`http://${host}:${server.port}/${PAGE}`, { timeout: 20_000 });
        must(response.status === 200, `the page has the status ${response.status}`);
        if (random.chance(0.8)) mustEqual(response.bytes(), pattern(7, 0, PAGE_BYTES), "the page");
        else response.close();
      }
      client.close();
      server.close();
    },
  };
}
