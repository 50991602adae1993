/**
 * An HTTPS server and the proxies before it, all on one port: `node tunnel-peer.js <certificate and key as JSON>`. The first byte of a
 * connection says what it is for: TLS, SOCKS 5, or CONNECT. It prints the port. Proxies open what they are asked for; port 1 refuses.
 */

import http from "node:http";
import https from "node:https";
import net from "node:net";

const TLS_RECORD = 0x16;
const SOCKS_5 = 5;

const secure = https.createServer(JSON.parse(process.argv[2]), (request, response) => {
  if (request.url === "/late") return;
  response.end(Buffer.alloc(Number(request.url.slice(1)), "x"));
});

/** Joins a client and what it has asked for; `answer(open)` sends the proxy's answer before. */
function join(client, port, answer) {
  let open = false;
  const server = net.connect(port, "127.0.0.1", () => {
    open = true;
    answer(true);
    client.pipe(server).pipe(client);
  });
  server.on("error", () => open || answer(false));
  server.on("close", () => open && client.destroy());
  client.on("close", () => server.destroy());
}

const proxy = http.createServer().on("connect", (request, client) => {
  join(client, Number(request.url.split(":")[1]), (open) => {
    client.write(open ? "HTTP/1.1 200 Open\r\n\r\n" : "HTTP/1.1 502 Refused\r\nContent-Length: 0\r\n\r\n");
    if (!open) client.end();
  });
});

/** RFC 1928, without authentication; each message of a client comes in one piece. */
function socks(client) {
  client.once("data", () => {
    client.write(Buffer.of(SOCKS_5, 0));
    client.once("data", (request) => {
      client.pause();
      join(client, request.readUInt16BE(request.length - 2), (open) => {
        client.write(Buffer.of(SOCKS_5, open ? 0 : SOCKS_5, 0, 1, 0, 0, 0, 0, 0, 0));
        if (!open) client.end();
      });
    });
  });
}

const server = net.createServer((client) => {
  client.on("error", () => {});
  client.once("readable", () => {
    const first = client.read();
    if (first === null) return client.destroy();
    client.unshift(first);
    if (first[0] === TLS_RECORD) secure.emit("connection", client);
    else if (first[0] === SOCKS_5) socks(client);
    else proxy.emit("connection", client);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
