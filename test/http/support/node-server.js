/**
 * A node:http server with one path for each behaviour that the tests need.
 *
 * `/echo` answers with the request, as JSON. `/status/N`, `/redirect/STATUS?to=URL`, `/bytes/N`, `/chunks?text=a,b`, `/coded/CODING`,
 * `/cookie?set=…`, `/slow?head=MS&body=MS`, `/gate` (answers after a request for `/open-gate`), `/early/STATUS` (answers before the body), `/late` (reads, and never answers),
 * `/continue`, `/refuse-continue`, `/hints`, `/trailers`, `/events`, `/close`, `/upgrade`, `/form`.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import * as zlib from "node:zlib";

const options = JSON.parse(process.argv[2] ?? "{}");
let connections = 0;
let requests = 0;
let openGate = () => {};

function bodyOf(request) {
  return new Promise((done) => {
    const hash = createHash("sha256");
    const first = [];
    let length = 0;
    request.on("data", (bytes) => {
      hash.update(bytes);
      if (length < 4096) first.push(bytes);
      length += bytes.length;
    });
    request.on("end", () =>
      done({ length, sha256: hash.digest("hex"), text: Buffer.concat(first).toString("latin1") }),
    );
    request.on("error", () => {});
  });
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const PATHS = {
  async echo(request, response) {
    const body = await bodyOf(request);
    const { method, url, rawHeaders } = request;
    response.setHeader("Content-Type", "application/json");
    response.end(
      JSON.stringify({
        method,
        url,
        rawHeaders,
        body,
        connection: request.socket.number,
        trailers: request.rawTrailers,
      }),
    );
  },
  async status(request, response, [status], query) {
    await bodyOf(request);
    response.writeHead(Number(status), query.get("reason") ?? undefined);
    response.end(status === "204" || status === "304" ? undefined : `status ${status}`);
  },
  async redirect(request, response, [status], query) {
    await bodyOf(request);
    const headers = { Location: query.get("to") };
    if (query.has("policy")) headers["Referrer-Policy"] = query.get("policy");
    response.writeHead(Number(status), headers).end("elsewhere");
  },
  count(_request, response, [left]) {
    if (left === "0") response.end("there");
    else response.writeHead(302, { Location: `/count/${Number(left) - 1}` }).end();
  },
  bytes(_request, response, [count], query) {
    const bytes = Buffer.alloc(Number(count), "0123456789abcdef");
    if (!query.has("chunked")) response.setHeader("Content-Length", bytes.length);
    response.end(bytes);
  },
  async chunks(_request, response, _path, query) {
    for (const text of query.get("text").split(",")) {
      response.write(text);
      await pause(Number(query.get("pause") ?? 1));
    }
    response.end();
  },
  coded(_request, response, [coding], query) {
    const plain = Buffer.alloc(
      Number(query.get("bytes") ?? 100_000),
      query.get("fill") ?? "a line of text that repeats itself\n",
    );
    let bytes = plain;
    for (const each of coding.split(",")) bytes = CODERS[each](bytes);
    if (query.has("cut")) bytes = bytes.subarray(0, bytes.length - Number(query.get("cut")));
    if (query.has("spoil")) bytes[bytes.length >> 1] ^= 255;
    response.setHeader("Content-Encoding", query.get("name") ?? coding);
    response.end(bytes);
  },
  cookie(_request, response, _path, query) {
    response.setHeader("Set-Cookie", query.getAll("set"));
    if (query.has("to")) response.writeHead(302, { Location: query.get("to") });
    response.end();
  },
  async slow(_request, response, _path, query) {
    await pause(Number(query.get("head") ?? 0));
    response.writeHead(200);
    response.write("first ");
    await pause(Number(query.get("body") ?? 0));
    response.end("last");
  },
  early(_request, response, [status]) {
    response.writeHead(Number(status));
    response.end("enough");
  },
  late() {},
  async gate(_request, response) {
    await new Promise((done) => {
      openGate = done;
    });
    response.end("first last");
  },
  "open-gate"(_request, response) {
    openGate();
    response.end();
  },
  async hints(request, response) {
    await bodyOf(request);
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.writeProcessing();
    response.end("final");
  },
  trailers(_request, response) {
    response.writeHead(200, { Trailer: "X-Sum" });
    response.write("body");
    response.addTrailers({ "X-Sum": "42" });
    response.end();
  },
  events(_request, response) {
    response.setHeader("Content-Type", "text/event-stream");
    response.end(
      '\uFEFFid: 1\nevent: news\ndata: one\ndata: two\n\n: comment\n\ndata: {"three":3}\nretry: 10\n\ndata: not complete',
    );
  },
  close(_request, response) {
    response.setHeader("Connection", "close");
    response.end("bye");
  },
  number(request, response) {
    response.end(`${request.socket.number} ${++requests}`);
  },
  form(_request, response, _path, query) {
    response.setHeader("Content-Type", query.get("type"));
    response.end(Buffer.from(query.get("body"), "latin1"));
  },
};

const CODERS = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  "deflate-raw": zlib.deflateRawSync,
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }), // 11 takes seconds
  zstd: zlib.zstdCompressSync,
  identity: (bytes) => bytes,
};

async function serve(request, response) {
  const url = new URL(request.url, "http://localhost");
  const [, name, ...rest] = url.pathname.split("/");
  const handler = PATHS[name];
  if (handler === undefined) response.writeHead(404).end();
  else await handler(request, response, rest, url.searchParams);
}

const server =
  options.cert === undefined
    ? http.createServer(serve)
    : https.createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) }, serve);
server.on(options.cert === undefined ? "connection" : "secureConnection", (socket) => {
  socket.number = ++connections;
});
server.on("checkContinue", (request, response) => {
  if (request.url.startsWith("/refuse")) {
    response.writeHead(417).end("no");
    return;
  }
  if (!request.url.startsWith("/silent")) response.writeContinue();
  request.url = "/echo";
  void serve(request, response);
});
server.on("upgrade", (_request, socket) => {
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello from the other protocol\n",
  );
  socket.pipe(socket);
});
if (options.keepAliveTimeout !== undefined) server.keepAliveTimeout = options.keepAliveTimeout;
server.listen(0, options.host ?? "127.0.0.1", () => console.log(server.address().port));
