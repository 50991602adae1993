/**
 * Sockets and servers against stock programs: nc, redis-server, node:http and Node's fetch.
 */

import { connect, listen } from "ringnet";
import { expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer } from "../support/peers.js";
import { node, Process } from "../support/processes.js";
import { startNetcat, startRedis } from "../support/programs.js";
import { acceptFrom, openTo, readBytes, readToEnd, writeBytes } from "./sockets.js";

test("nc as the server: both ways, and the end", () => {
  const nc = startNetcat();
  const socket = connect({ host: "127.0.0.1", port: nc.port, timeout: 5000 });
  writeBytes(socket, Buffer.from("to nc\n"));
  nc.process.waitForOutput(/to nc\n/);
  nc.process.send("from nc\n");
  expect(String(readBytes(socket, 8))).toBe("from nc\n");
  socket.end();
  expect(readToEnd(socket).error).toBeNull();
  nc.process.waitForExit();
  socket.close();
});

test("nc as the client: a file through its pipe", () => {
  const server = listen({ host: "127.0.0.1" });
  // -N: ends its side when its input ends.
  const nc = new Process("nc", ["-N", "127.0.0.1", `${server.port}`]);
  const client = acceptFrom(server);
  nc.send("a line\n");
  expect(String(readBytes(client, 7))).toBe("a line\n");
  writeBytes(client, Buffer.from("an answer\n"));
  nc.waitForOutput(/an answer\n/);
  nc.endInput();
  expect(readToEnd(client)).toEqual({ bytes: Buffer.alloc(0), error: null });
  client.close();
  nc.waitForExit();
  server.close();
});

test("redis-server: requests one at a time, and ten thousand in one go", () => {
  const redis = startRedis();
  const socket = openTo({ host: "127.0.0.1", port: redis.port });
  const ask = (...words: string[]) =>
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
  const answerTo = (request: string, answer: string) => {
    writeBytes(socket, Buffer.from(request));
    expect(String(readBytes(socket, answer.length))).toBe(answer);
  };
  answerTo(ask("PING"), "+PONG\r\n");
  answerTo(ask("SET", "key", "value"), "+OK\r\n");
  answerTo(ask("GET", "key"), "$5\r\nvalue\r\n");
  answerTo(ask("GET", "none"), "$-1\r\n");
  answerTo("NONSENSE\r\n", "-ERR unknown command");
  expect(socket.waitUntilReadable(1000)).toBe(true);
  socket.read(); // the rest of the error
  for (let i = 1; i <= 1000; i++) answerTo(ask("INCR", "count"), `:${i}\r\n`);
  answerTo(ask("INCR", "count").repeat(10_000), Array.from({ length: 10_000 }, (_, i) => `:${i + 1001}\r\n`).join(""));
  answerTo(ask("QUIT"), "+OK\r\n");
  expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
  socket.close();
});

test("node:http: a download and an upload of 50 MB", () => {
  const peer = startPeer("http");
  const request = (head: string, body: Uint8Array = new Uint8Array(0)) => {
    const socket = openTo(peer);
    writeBytes(
      socket,
      Buffer.from(`${head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`),
    );
    writeBytes(socket, body, 20_000);
    const { bytes, error } = readToEnd(socket, 20_000);
    expect(error).toBeNull();
    socket.close();
    const end = bytes.indexOf("\r\n\r\n");
    return { head: bytes.subarray(0, end).toString(), body: bytes.subarray(end + 4) };
  };
  const download = request("GET /pattern/50000000");
  expect(download.head).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(sha256(download.body)).toBe(patternHash(1, 50_000_000));
  const upload = request("PUT /", pattern(40, 0, 50_000_000));
  expect(upload.body.toString()).toContain(patternHash(40, 50_000_000));
});

test("node's fetch as the client of an HTTP server in one blocking thread", () => {
  const server = listen({ host: "127.0.0.1" });
  const program = `fetch(process.argv[1]).then((response) => response.text()).then((text) => console.log(text))`;
  const client = new Process(node, ["-e", program, "--", `http://127.0.0.1:${server.port}/page?x=1`]);
  const socket = acceptFrom(server);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) head += readBytes(socket, 1);
  expect(head).toMatch(/^GET \/page\?x=1 HTTP\/1\.1\r\n/);
  writeBytes(socket, Buffer.from("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\na page!"));
  socket.close();
  client.waitForOutput(/^a page!$/m);
  server.close();
});
