// Finding services in the local network: services answer a question that is sent to a multicast group.
//
//   node examples/udp-discovery.js offer "my printer" 631      answers until it is ended
//   node examples/udp-discovery.js find                        asks, and lists who has answered after a second
//
// INTERFACE=127.0.0.1 stays on this machine; PORT is the group's port.

import { bindUdp } from "ringnet";

const GROUP = "239.255.77.77"; // of the block for use within an organization, RFC 2365
const PORT = Number(process.env.PORT ?? 7777);
const INTERFACE = process.env.INTERFACE;
const QUESTION = "who is there?";

/** Answers questions, without a limit or for `ms` ms. */
function offer(name, port, duration = Number.POSITIVE_INFINITY) {
  // Several programs of one machine may listen to the group: all of them get each question.
  const socket = bindUdp({ host: "0.0.0.0", port: PORT, reuseAddr: true });
  socket.addMembership(GROUP, INTERFACE);
  console.log(`offering ${name}`);
  for (const end = performance.now() + duration; performance.now() < end; ) {
    if (!socket.waitUntilReadable(Math.min(1000, end - performance.now()))) continue; // blocks, and costs nothing meanwhile
    for (let question = socket.receive(); question !== null; question = socket.receive()) {
      if (String(question.data) !== QUESTION) continue; // any host may send anything here
      socket.send(JSON.stringify({ name, port }), question.port, question.address);
    }
  }
  socket.close();
}

/** Asks, and collects answers for `ms` ms. */
export function find(duration = 1000) {
  const socket = bindUdp({ host: "0.0.0.0" });
  if (INTERFACE !== undefined) socket.setMulticastInterface(INTERFACE);
  const found = new Map();
  const end = performance.now() + duration;
  for (let asked = 0; performance.now() < end; asked++) {
    // Datagrams get lost: it asks three times.
    if (asked < 3) socket.send(QUESTION, PORT, GROUP);
    const pause = Math.min(end, performance.now() + duration / 4);
    while (socket.waitUntilReadable(Math.max(0, pause - performance.now()))) {
      const { data, address } = socket.receive();
      try {
        const { name, port } = JSON.parse(String(data));
        found.set(`${name} ${address} ${port}`, { name: String(name), address, port: Number(port) });
      } catch {
        // That was no answer.
      }
    }
  }
  socket.close();
  return [...found.values()];
}

if (process.argv[1] === import.meta.filename) {
  const [what, name, port] = process.argv.slice(2);
  if (what === "offer" && name !== undefined) offer(name, Number(port));
  else if (what === "find") {
    for (const { name, address, port } of find()) console.log(`${name} at ${address} port ${port}`);
  } else console.error('usage: node examples/udp-discovery.js find | offer "name" port');
}
