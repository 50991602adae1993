/**
 * The process of a peer: it plays one session after another, and rests in between. Starting Node anew costs more than most tests do.
 *
 * `node script.js '<options as JSON>'` starts the first session. Lines of JSON on standard input: `{ "start": options }` starts the next one,
 * `{ "rest": true }` ends the present one, which is confirmed by the event `resting`; any other line is a command for the session.
 * resting.ts is the other end. Ends with its standard input.
 */

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** Blocks, so that a line is out even when the process is killed right after. */
const print = (event, details = {}) => writeSync(1, `${JSON.stringify({ event, ...details })}\n`);

/** What a session has opened: sockets (of node:net, or WebSockets of `ws`) and timers. */
export class Opened {
  #sockets = new Set();
  #timers = new Set();

  track(socket) {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** Calls `act` in `delay` ms, unless the session ends before. */
  later(act, delay) {
    this.#timers.add(setTimeout(act, delay));
  }

  /** Closes all, and then `server` if there is one. */
  async close(server) {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = [...this.#sockets].map((socket) => new Promise((done) => socket.once("close", done)));
    for (const socket of this.#sockets) (socket.terminate ?? socket.destroy).call(socket);
    await Promise.all(closed);
    if (server !== undefined) await new Promise((done) => server.close(done));
  }
}

/**
 * `open(options, report)` starts a session and returns `{ obey(command), close() }`: `close` gives back all that the session has opened, and
 * may return a promise. What a session reports after its end is dropped.
 */
export function serve(open) {
  let session;
  const begin = (options) => {
    const present = { open: true };
    const report = (event, details) => {
      if (present.open) print(event, details);
    };
    const { obey, close } = open(options, report);
    session = { present, obey, close };
  };
  const line = async (text) => {
    const { start, rest, ...command } = JSON.parse(text);
    if (start !== undefined) begin(start);
    else if (rest) {
      session.present.open = false;
      await session.close();
      print("resting");
    } else session.obey(command);
  };
  const input = createInterface({ input: process.stdin });
  input.on("line", line);
  input.on("close", () => process.exit(0));
  begin(JSON.parse(process.argv[2] ?? "{}"));
}
