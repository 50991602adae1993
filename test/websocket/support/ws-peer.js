/**
 * A peer by `ws`: a server, or with `connect` (a URL) a client. `node ws-peer.js OPTIONS`, in JSON: see peers.ts.
 *
 * Prints an event a line, and takes commands, in JSON, a line each. They are for the last connection
 * (session.js says how it takes them).
 */

import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { WebSocket, WebSocketServer } from "ws";
import { Opened, serve } from "../../support/session.js";

serve((options, say) => {
  let last = null;
  let counted = 0;
  /** The open connections; for a server, all of them. */
  const opened = new Opened();
  let server;

  function take(socket, request) {
    last = socket;
    if (options.paused) socket.pause();
    socket.on("message", (data, isBinary) => {
      if (options.echo) {
        socket.send(data, { binary: isBinary });
        return;
      }
      if (options.count) {
        counted++;
        if (counted % options.count === 0) say("counted", { count: counted });
        return;
      }
      const sha256 = createHash("sha256").update(data).digest("hex");
      say("message", {
        binary: isBinary,
        bytes: data.length,
        sha256,
        ...(data.length > 1000 ? {} : { text: String(data) }),
      });
    });
    socket.on("ping", (data) => say("ping", { text: String(data) }));
    socket.on("pong", (data) => say("pong", { text: String(data) }));
    socket.on("error", ({ message, code }) => say("error", { text: message, code }));
    socket.on("close", (code, reason) => say("close", { code, reason: String(reason) }));
    if (request !== undefined)
      say("connection", { url: request.url, headers: request.headers, protocol: socket.protocol });
  }

  function obey({ do: what, delay = 0, ...rest }) {
    if (delay > 0) {
      opened.later(() => obey({ do: what, ...rest }), delay);
      return;
    }
    const { text, bytes, count = 1, code, reason } = rest;
    if (what === "send") {
      const data = text ?? Buffer.alloc(bytes ?? 0, "0123456789");
      for (let i = 0; i < count; i++)
        last.send(rest.numbered ? `${i}` : data, { binary: !rest.numbered && text === undefined });
    }
    if (what === "fragments") {
      for (const [i, each] of rest.texts.entries()) last.send(each, { fin: i === rest.texts.length - 1 });
    }
    if (what === "ping") last.ping(text);
    if (what === "close") last.close(code, reason);
    if (what === "terminate") last.terminate();
    if (what === "pause") last.pause();
    if (what === "resume") last.resume();
  }

  const { perMessageDeflate = false, protocols } = options;
  if (options.connect !== undefined) {
    const socket = new WebSocket(options.connect, protocols ?? [], {
      perMessageDeflate,
      headers: options.headers,
      ca: options.ca,
      autoPong: options.autoPong ?? true,
    });
    take(socket);
    opened.track(socket);
    socket.on("unexpected-response", (_request, response) => say("refused", { code: response.statusCode }));
    socket.on("open", () => say("open", { protocol: socket.protocol, extensions: socket.extensions }));
    say("opening");
  } else {
    const { key, cert } = options;
    const http = cert === undefined ? createHttpServer() : createHttpsServer({ key, cert });
    const handleProtocols = (offered) => [...(protocols ?? [])].find((each) => offered.has(each)) ?? false;
    server = http;
    http.on("connection", (socket) => opened.track(socket)); // with TLS, the sockets beneath it
    const webSockets = new WebSocketServer({
      server: http,
      perMessageDeflate,
      autoPong: options.autoPong ?? true,
      ...(protocols === undefined ? {} : { handleProtocols }),
    });
    webSockets.on("connection", take);
    http.listen(0, "127.0.0.1", () => say("listening", { port: http.address().port }));
  }

  return {
    obey,
    close: () => opened.close(server),
  };
});
