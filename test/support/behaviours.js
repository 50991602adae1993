/**
 * What a peer does with a connection. Runs in the peer's process (peer.js); works alike on accepted and on opened
 * sockets, plain, Unix or TLS. All are made with `allowHalfOpen`, so a behaviour ends its side itself.
 *
 * A behaviour is a function `(socket, options, report)`; peer.js counts and hashes what arrives, whatever it does.
 */

import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pattern } from "./bytes.js";
import { addScript, go, scripted } from "./scripts.js";

/** Sends `bytes` bytes of stream `seed` as fast as the other side takes them, then calls `done`. */
export function sendPattern(socket, { bytes, seed = 1, piece = 65536 }, done = () => {}) {
  let sent = 0;
  const pump = () => {
    while (sent < bytes) {
      if (socket.destroyed) return;
      const length = Math.min(piece, bytes - sent);
      const more = socket.write(pattern(seed, sent, length));
      sent += length;
      if (!more) return void socket.once("drain", pump);
    }
    done();
  };
  pump();
}

export const behaviours = {
  /** Sends back what arrives; ends when the other side ends. */
  echo(socket) {
    socket.pipe(socket);
  },

  /** Neither reads nor writes nor ends: what is sent to it stays in the kernel's buffers. */
  silent(socket) {
    socket.pause();
  },

  /** Reads all and sends nothing; ends when the other side ends, after a `reply` if there is one. */
  sink(socket, { reply }) {
    socket.resume();
    socket.on("end", () => socket.end(reply));
  },

  /** Sends `bytes` bytes of stream `seed` (in pieces of `piece`), then ends, unless `keepOpen`. Reads what comes. */
  source(socket, options) {
    socket.resume();
    sendPattern(socket, options, () => options.keepOpen || socket.end());
  },

  /** Sends a line of `bytes` bytes that has no end. */
  line(socket, { bytes }) {
    const piece = Buffer.alloc(1 << 20, "x");
    let left = bytes;
    const pump = () => {
      while (left > 0) {
        const part = piece.subarray(0, left);
        left -= part.length;
        if (!socket.write(part)) return void socket.once("drain", pump);
      }
    };
    pump();
  },

  /** Sends `text`, then `repeat` again and again as fast as the other side takes it. */
  endless(socket, { text, repeat }) {
    socket.resume();
    socket.write(text);
    const piece = repeat.repeat(Math.ceil(65536 / repeat.length));
    const pump = () => {
      while (!socket.destroyed) if (!socket.write(piece)) return void socket.once("drain", pump);
    };
    pump();
  },

  /** Sends `text` at once, then stays open; reads what comes, and ends when the other side ends. */
  greeter(socket, { text = "hello" }) {
    socket.resume();
    socket.write(text);
    socket.on("end", () => socket.end());
  },

  /** Reads `piece` bytes every `interval` ms; ends when the other side ends. */
  slow(socket, { piece = 65536, interval = 10 }) {
    socket.on("readable", () => {});
    const timer = setInterval(() => {
      let left = piece;
      while (left > 0) {
        const chunk = socket.read(Math.min(left, socket.readableLength));
        if (chunk === null) break;
        left -= chunk.length;
      }
    }, interval);
    socket.on("end", () => socket.end());
    socket.on("close", () => clearInterval(timer));
  },

  /** Sends `reply` after each `size` bytes that arrived; ends when the other side ends. */
  answer(socket, { size = 8, reply = "answer" }) {
    let seen = 0;
    socket.on("data", (chunk) => {
      for (seen += chunk.length; seen >= size; seen -= size) socket.write(reply);
    });
    socket.on("end", () => socket.end());
  },

  /** Sends `head` at once, then one byte of `text` every `interval` ms, then ends. */
  drip(socket, { head = "", text = "drip", interval = 50 }) {
    socket.resume();
    if (head !== "") socket.write(head);
    let at = 0;
    const timer = setInterval(() => {
      if (at < text.length) socket.write(text[at++]);
      else {
        clearInterval(timer);
        socket.end();
      }
    }, interval);
    socket.on("close", () => clearInterval(timer));
  },

  /** Sends `text` if there is one, waits for `after` bytes, then resets the connection (RST). */
  reset(socket, { after = 0, text }) {
    let seen = 0;
    const reset = () => socket.resetAndDestroy();
    if (after === 0 && text === undefined) return reset();
    if (text !== undefined) socket.write(text, () => after === 0 && reset());
    socket.on("data", (chunk) => {
      seen += chunk.length;
      if (after > 0 && seen >= after) reset();
    });
  },

  /** Sends `text` and ends its side immediately, then reads until the other side ends. */
  halfClosed(socket, { text }) {
    socket.resume();
    socket.end(text);
  },

  /** Ends its side when the other side has ended, and then sends `bytes` of stream `seed` first. */
  late(socket, options) {
    socket.resume();
    socket.on("end", () => sendPattern(socket, options, () => socket.end()));
  },

  /** Reads all (or nothing with `paused`) and waits for commands; see `commands`. */
  manual(socket, { paused = false }) {
    if (paused) socket.pause();
    else socket.resume();
  },

  /**
   * Sends what the other side requests in lines of JSON, `{ pieces: [{ base64, delay }], end }`: each piece is given to
   * the kernel separately, `delay` ms (0: one turn of the event loop) after the one before. With `end` the stream ends
   * then, otherwise the next line may follow.
   */
  async pieces(socket) {
    for await (const line of createInterface({ input: socket })) {
      const { pieces, end } = JSON.parse(line);
      for (const { base64, delay } of pieces) {
        await (delay > 0 ? sleep(delay) : new Promise(setImmediate));
        if (socket.destroyed) return;
        socket.write(Buffer.from(base64, "base64"));
      }
      if (end) socket.end();
    }
    socket.end();
  },

  /** Plays the steps of a script; see scripts.js. */
  scripted,
};

/** The commands for a connection: `peer.send({ do: "end", connection: 0 })`. */
export const commands = {
  /** Sends `text`, or `bytes` bytes of stream `seed`. */
  write(socket, { text, ...rest }) {
    if (text !== undefined) socket.write(text);
    else sendPattern(socket, rest);
  },
  end: (socket) => socket.end(),
  /** Ends the whole peer, as a crash would. */
  die: () => process.kill(process.pid, "SIGKILL"),
  reset: (socket) => socket.resetAndDestroy(),
  destroy: (socket) => socket.destroy(),
  pause: (socket) => socket.pause(),
  resume: (socket) => socket.resume(),
  script: (_, { steps }) => addScript(steps),
  go,
};
