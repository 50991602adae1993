/**
 * A peer that writes frames as given, valid or not. `node raw-peer.js OPTIONS`, in JSON: see peers.ts.
 *
 * It listens, or connects to a port, and does the opening handshake by hand (`answer` replaces the right answer).
 * Prints an event a line: each frame that it receives, and the end. Takes commands, in JSON, a line each, for the last
 * connection (session.js).
 */

import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import { Opened, serve } from "../../support/session.js";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, section 1.3

serve((options, say) => {
  let last = null;
  let skipped = 0;
  const opened = new Opened();
  let server;

  /** The bytes of a frame, `count` times. */
  function frame(given) {
    const bytes = single(given);
    return given.count === undefined ? bytes : Buffer.concat(Array.from({ length: given.count }, () => bytes));
  }

  /** Fields that are not given have correct values. */
  function single({
    opcode,
    text,
    hex,
    fin = true,
    rsv = 0,
    masked = options.port !== undefined,
    length,
    bytes,
    wide,
  }) {
    const payload =
      bytes === undefined
        ? hex === undefined
          ? Buffer.from(text ?? "")
          : Buffer.from(hex, "hex")
        : Buffer.alloc(bytes, "a");
    const said = length ?? payload.length;
    const head = [(fin ? 128 : 0) | (rsv << 4) | opcode];
    const flag = masked ? 128 : 0;
    if (wide === 64 || said > 65535) {
      const long = Buffer.alloc(8);
      long.writeBigUInt64BE(BigInt(said));
      head.push(flag | 127, ...long);
    } else if (wide === 16 || said > 125) head.push(flag | 126, said >> 8, said & 255);
    else head.push(flag | said);
    if (!masked) return Buffer.concat([Buffer.from(head), payload]);
    const mask = Buffer.from([1, 2, 3, 4]);
    return Buffer.concat([Buffer.from(head), mask, payload.map((byte, i) => byte ^ mask[i & 3])]);
  }

  /** Reports the frames in `bytes`; returns what is left. */
  function read(bytes) {
    for (;;) {
      if (bytes.length < 2) return bytes;
      const masked = (bytes[1] & 128) !== 0;
      let length = bytes[1] & 127;
      let at = 2;
      if (length === 126) {
        if (bytes.length < 4) return bytes;
        length = bytes.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (bytes.length < 10) return bytes;
        length = Number(bytes.readBigUInt64BE(2));
        at = 10;
      }
      const start = at + (masked ? 4 : 0);
      if (bytes.length < start + length) return bytes;
      if (length > options.reported) {
        skipped++;
        bytes = bytes.subarray(start + length);
        continue;
      }
      const mask = bytes.subarray(at, start);
      const payload = bytes.subarray(start, start + length).map((byte, i) => (masked ? byte ^ mask[i & 3] : byte));
      const code =
        (bytes[0] & 15) === 8 && length >= 2
          ? { code: payload.readUInt16BE(0), reason: String(payload.subarray(2)) }
          : {};
      say("frame", {
        fin: bytes[0] >= 128,
        rsv: (bytes[0] >> 4) & 7,
        opcode: bytes[0] & 15,
        masked,
        bytes: length,
        ...(options.reported === undefined ? {} : { skipped }),
        ...(length > 1000 ? {} : { text: String(payload), hex: payload.toString("hex") }),
        ...code,
      });
      if ((bytes[0] & 15) === 8 && !options.stall) last.end();
      bytes = bytes.subarray(start + length);
    }
  }

  function take(socket, isServer) {
    last = socket;
    opened.track(socket);
    socket.setNoDelay(true);
    let rest = Buffer.alloc(0);
    let open = false;
    socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      if (!open) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = String(rest.subarray(0, end));
        rest = rest.subarray(end + 4);
        open = true;
        say("request", { text: head });
        if (isServer) {
          const key = /sec-websocket-key: (.*)/i.exec(head)?.[1]?.trim();
          const accept = createHash("sha1")
            .update(key + GUID)
            .digest("base64");
          const answer =
            options.answer ??
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $accept\r\n$more\r\n";
          const more = (options.more ?? []).map((line) => `${line}\r\n`).join("");
          const first = (options.first ?? []).map(frame);
          socket.write(
            Buffer.concat([Buffer.from(answer.replace("$accept", accept).replace("$more", more)), ...first]),
          );
        }
      }
      rest = read(rest);
    });
    socket.on("end", () => {
      say("end");
      if (!options.stall) socket.end();
    });
    socket.on("error", ({ code }) => say("error", { text: code }));
    socket.on("close", () => say("closed"));
  }

  function obey(command) {
    const { do: what, delay = 0 } = command;
    if (delay > 0) {
      opened.later(() => obey({ ...command, delay: 0 }), delay);
      return;
    }
    if (what === "frames") {
      const bytes = Buffer.concat(command.frames.map(frame));
      if (command.drip) {
        let at = 0;
        const next = () => {
          if (at < bytes.length) last.write(bytes.subarray(at, ++at), () => setImmediate(next));
        };
        next();
      } else last.write(bytes);
    }
    if (what === "raw") last.write(Buffer.from(command.hex, "hex"));
    if (what === "flood") {
      const bytes = Buffer.concat(Array.from({ length: 1000 }, () => frame(command.frame)));
      const more = () => {
        while (!last.destroyed && last.write(bytes, () => say("flooded")));
        last.once("drain", more);
      };
      more();
    }
    if (what === "pause") last.pause();
    if (what === "resume") last.resume();
    if (what === "end") last.end();
    if (what === "reset") last.resetAndDestroy();
  }

  if (options.port === undefined) {
    server = createServer({ allowHalfOpen: true }, (socket) => take(socket, true));
    server.listen(0, "127.0.0.1", () => say("listening", { port: server.address().port }));
  } else {
    const socket = connect({ port: options.port, host: "127.0.0.1", allowHalfOpen: true });
    take(socket, false);
    const more = (options.more ?? []).map((line) => `${line}\r\n`).join("");
    socket.write(
      options.request ??
        `GET ${options.path ?? "/"} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`,
    );
    say("opening");
  }

  return {
    obey,
    close: () => opened.close(server),
  };
});
