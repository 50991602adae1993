/**
 * A peer in a process of its own: `node peer.js '<options as JSON>'`, started by `startPeer` in peers.ts. session.js says how it takes commands.
 *
 * It listens (or, with `connect`, connects `connections` times), gives each connection to a behaviour (behaviours.js) and
 * prints one line of JSON for each thing that happens; peers.ts describes options and events.
 */

import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { behaviours, commands } from "./behaviours.js";
import { pattern } from "./bytes.js";
import { forgetScripts } from "./scripts.js";
import { Opened, serve } from "./session.js";

serve((options, report) => {
  const { behaviour, host, port = 0, path, connect, backlog, tls: tlsOptions } = options;
  /** The connections that the behaviour was given, by their numbers. */
  const sockets = [];
  const opened = new Opened();
  let server;
  forgetScripts();

  function take(socket) {
    const connection = sockets.push(socket) - 1;
    const hash = options.hash === false ? null : createHash("sha256");
    let bytes = 0;
    const received = () => ({ connection, bytes, sha256: hash?.copy().digest("hex") });
    // Wrapping push sees the bytes without changing how they flow.
    const push = socket.push;
    socket.push = function (chunk, ...rest) {
      if (chunk !== null && chunk !== undefined) {
        bytes += chunk.length;
        hash?.update(chunk);
        for (const mark of options.marks ?? [])
          if (bytes >= mark && bytes - chunk.length < mark) report("mark", { connection, bytes, mark });
      }
      return push.call(this, chunk, ...rest);
    };
    socket.on("end", () => {
      const seen = received();
      const ended = () => report("end", seen);
      if (socket.encrypted || !socket.writable) return ended();
      // libuv before 1.51 takes a reset that comes right behind bytes for an end; an empty write tells the two apart.
      socket.write(Buffer.alloc(0), (error) => error ?? ended());
    });
    socket.on("error", (error) => report("error", { connection, code: error.code }));
    socket.on("close", () => report("close", received()));
    socket.setNoDelay?.(true);
    report("connection", {
      connection,
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      localPort: socket.localPort,
      ...(socket.encrypted && {
        servername: socket.servername,
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol,
      }),
    });
    behaviours[behaviour](socket, options, report);
  }

  function listen(made) {
    server = made;
    server.on("error", (error) => {
      report("failed", { code: error.code, message: error.message });
      process.exit(1);
    });
    server.on("connection", (socket) => opened.track(socket)); // of TLS, the sockets beneath
    server.on("tlsClientError", (error) => report("tlsClientError", { code: error.code, message: error.message }));
    server.listen(path === undefined ? { host, port, backlog } : { path, backlog }, () => {
      const address = server.address();
      report(
        "listening",
        typeof address === "string" ? { path: address } : { port: address.port, host: address.address },
      );
    });
  }

  function openAll() {
    const target = path === undefined ? { host, port: connect } : { path };
    for (let i = 0; i < (options.connections ?? 1); i++) {
      const took = () => take(socket);
      const socket = tlsOptions
        ? tls.connect({ ...target, ...tlsOptions, allowHalfOpen: true }, took)
        : net.connect({ ...target, allowHalfOpen: true, localAddress: options.localAddress }, took);
      opened.track(socket);
      socket.once("error", ({ code, message }) => sockets.includes(socket) || report("failed", { code, message }));
    }
    report("opening");
  }

  /** `GET /pattern/<bytes>` gives that much of stream 1; any request with a body is answered by its SHA-256. */
  function answer(request, response) {
    const bytes = Number(/^\/pattern\/(\d+)$/.exec(request.url)?.[1] ?? -1);
    if (request.method === "GET" && bytes >= 0) return response.end(pattern(1, 0, bytes));
    const hash = createHash("sha256");
    request.on("data", (chunk) => hash.update(chunk));
    request.on("end", () => response.end(hash.digest("hex")));
  }

  if (behaviour === "http") listen(http.createServer(answer));
  else if (connect !== undefined || options.open) openAll();
  else if (tlsOptions) listen(tls.createServer({ ...tlsOptions, allowHalfOpen: true }, take));
  else listen(net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, take));

  return {
    obey({ do: what, connection = sockets.length - 1, delay = 0, ...details }) {
      const socket = sockets[connection];
      const act = () => {
        if (what !== "report") return commands[what](socket, details);
        // What is still in Node's own queue has not been sent.
        report("report", { connection, received: socket.bytesRead, sent: socket.bytesWritten - socket.writableLength });
      };
      if (delay > 0) opened.later(act, delay);
      else act();
    },

    close: () => opened.close(server),
  };
});
