// A chat server for a thousand clients in one thread that blocks: it sleeps until a guest has written something.
//
//   node examples/chat-server.js [port]
//   nc localhost 7000                       say something; "/name Ada" takes a name, "/who" counts, "/bye" leaves

import { listen, Poller } from "ringnet";

const MAX_LINE = 1000;
/** Bytes that may wait for a guest who does not read; with more, the guest is disconnected. */
const MAX_BACKLOG = 1024 * 1024;

/** A connected client. */
class Guest {
  name = "somebody";
  /** What came without an end of line so far. */
  #rest = "";
  /** Bytes of a character may come apart; this keeps them together. */
  #decoder = new TextDecoder();
  /** What the guest's socket had no room for. */
  #backlog = [];
  #backlogBytes = 0;

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

  /** Sends `bytes`, or keeps the part for which there is no room. Throws if the connection has failed or the guest is too far behind. */
  tell(bytes) {
    const taken = this.#backlog.length > 0 ? 0 : this.socket.write(bytes);
    if (taken === bytes.length) return;
    this.#backlog.push(bytes.subarray(taken));
    this.#backlogBytes += bytes.length - taken;
    if (this.#backlogBytes > MAX_BACKLOG) throw new Error("too far behind");
    poller.modify(this.socket, { readable: true, writable: true });
  }

  /** Sends what was kept, as far as there is room. */
  catchUp() {
    while (this.#backlog.length > 0) {
      const [bytes] = this.#backlog;
      const taken = this.socket.write(bytes);
      this.#backlogBytes -= taken;
      if (taken === bytes.length) this.#backlog.shift();
      else {
        this.#backlog[0] = bytes.subarray(taken);
        return;
      }
    }
    poller.modify(this.socket, { readable: true });
  }
}

const server = listen({ port: Number(process.argv[2] ?? 7000), receiveBuffer: 4096, sendBuffer: 64 * 1024 });
const guests = new Map();
const poller = new Poller().add(server);
console.log(`listening on port ${server.port}`);

for (;;) {
  for (const handle of poller.wait(-1)) {
    if (handle === server) welcome();
    else if (guests.has(handle)) serve(guests.get(handle));
  }
}

function welcome() {
  try {
    for (let socket = server.accept(); socket !== null; socket = server.accept()) {
      guests.set(socket, new Guest(socket));
      poller.add(socket);
    }
  } catch (error) {
    console.error(error.message); // one client could not be accepted; the others go on
  }
}

function serve(guest) {
  let lines = null;
  try {
    if (guest.socket.writable > 0) guest.catchUp();
    lines = guest.lines();
  } catch {
    // The connection has failed: that is how some leave.
  }
  if (lines === null) return dismiss(guest);
  for (const line of lines) {
    const [command, ...words] = line.split(" ");
    if (command === "/name") guest.name = words.join(" ").slice(0, 20) || guest.name;
    else if (command === "/who") tell(guest, Buffer.from(`${guests.size} are here\n`));
    else if (command === "/bye") return dismiss(guest);
    else if (line !== "") sayToAll(`${guest.name}: ${line}\n`);
  }
}

function sayToAll(text) {
  const bytes = Buffer.from(text);
  for (const guest of guests.values()) tell(guest, bytes);
}

/** A guest who does not read delays no other. */
function tell(guest, bytes) {
  try {
    guest.tell(bytes);
  } catch {
    dismiss(guest);
  }
}

function dismiss(guest) {
  guests.delete(guest.socket);
  poller.delete(guest.socket);
  guest.socket.close();
}
