/**
 * A server that answers with bytes from a table, valid HTTP or not: cut off, byte by byte, reset.
 *
 * `node raw-server.js TABLE.json`: names and texts (Latin-1). The request's path names the answer; its query says how it goes out:
 * `cut=N` only its first N bytes, `drip` byte by byte, `pause=N` ms in front of the last byte,
 * `then=end|reset|stay` what follows (end, unless given). `/log` answers with the paths of all requests so far, a line each.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const table = JSON.parse(readFileSync(process.argv[2], "utf8"));
const log = [];
let connections = 0;

async function answer(socket, url) {
  const name = decodeURIComponent(url.pathname.slice(1));
  const query = url.searchParams;
  if (name === "log") {
    const text = log.join("\n");
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    return;
  }
  log.push(`${socket.number} ${url.pathname}${url.search}`);
  let bytes = Buffer.from(table[name], "latin1");
  if (query.has("cut")) bytes = bytes.subarray(0, Number(query.get("cut")));
  if (query.has("drip")) {
    for (let i = 0; i < bytes.length; i++) {
      socket.write(bytes.subarray(i, i + 1));
      await new Promise((done) => setImmediate(done));
    }
  } else if (query.has("pause")) {
    socket.write(bytes.subarray(0, -1));
    await new Promise((done) => setTimeout(done, Number(query.get("pause"))));
    socket.write(bytes.subarray(-1));
  } else {
    socket.write(bytes);
  }
  const then = query.get("then") ?? "end";
  if (then === "end") socket.end();
  if (then === "reset") setTimeout(() => socket.resetAndDestroy(), 20);
}

const server = createServer((socket) => {
  socket.number = ++connections;
  socket.setNoDelay(true);
  socket.on("error", () => {});
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const path = /[A-Z]+ (\/\S*) HTTP\/1\.1\r\n/.exec(text.slice(0, end + 4))?.[1];
      text = text.slice(end + 4);
      if (path === undefined) continue; // the end of a body in chunks
      void answer(socket, new URL(path, "http://localhost"));
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
