// A chat server for a thousand clients in one thread that blocks: it sleeps until somebody has said something.
//
//   node examples/chat-server.js [port]
//   nc localhost 7000                       say something; "/name Ada" takes a name, "/who" counts, "/bye" leaves

import { listen, Poller } from "ringnet";

const MAX_LINE = 1000;

/** Somebody who is connected. */
class Guest {
  name = "somebody";
  /** What came without an end of line so far. */
  #rest = "";
  /** Bytes of a character may come apart; this keeps them together. */
  #decoder = new TextDecoder();

  constructor(socket) {
    this.socket = socket;
  }

  /** The lines that have come, or null when the guest has left. */
  lines() {
    const bytes = this.socket.read();
    if (bytes === null) return null;
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    this.#rest = lines.pop();
    return this.#rest.length > MAX_LINE ? null : lines;
  }
}

const server = listen({ port: Number(process.argv[2] ?? 7000), receiveBuffer: 4096, sendBuffer: 64 * 1024 });
const guests = new Map();
const poller = new Poller().add(server);
console.log(`listening on port ${server.port}`);

for (;;) {
  for (const handle of poller.wait(-1)) {
    if (handle === server) welcome();
    else if (guests.has(handle)) hear(guests.get(handle));
  }
}

function welcome() {
  for (let socket = server.accept(); socket !== null; socket = server.accept()) {
    guests.set(socket, new Guest(socket));
    poller.add(socket);
  }
}

function hear(guest) {
  let lines = null;
  try {
    lines = guest.lines();
  } catch {
    // The connection has failed: that is how some leave.
  }
  if (lines === null) return dismiss(guest);
  for (const line of lines) {
    const [command, ...words] = line.split(" ");
    if (command === "/name") guest.name = words.join(" ").slice(0, 20) || guest.name;
    else if (command === "/who") tell(guest, `${guests.size} are here\n`);
    else if (command === "/bye") return dismiss(guest);
    else if (line !== "") sayToAll(`${guest.name}: ${line}\n`);
  }
}

function sayToAll(text) {
  const bytes = Buffer.from(text);
  for (const guest of guests.values()) tell(guest, bytes);
}

/** A guest who does not listen must not make the others wait, and gets no half lines either: there is no room for such a one. */
function tell(guest, bytes) {
  try {
    if (guest.socket.writable >= Buffer.byteLength(bytes)) guest.socket.write(bytes);
    else dismiss(guest);
  } catch {
    dismiss(guest);
  }
}

function dismiss(guest) {
  guests.delete(guest.socket);
  poller.delete(guest.socket);
  guest.socket.close();
}
