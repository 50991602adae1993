/**
 * Serves a folder's files over HTTP, for the pages that open the server's WebSockets.
 *
 * Runs on the networking thread, without blocking it. Names that begin with a dot are not served, nor are links to
 * files outside the folder.
 */

import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp3": "audio/mpeg",
  ".ogg": "audio/ogg",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

export class FileServer {
  readonly #folder: string | null;

  /** `folder` is absolute; null: every request is answered with 426. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const folder = this.#folder;
    request.resume();
    if (folder === null) {
      end(response, 426, { Connection: "Upgrade", Upgrade: "websocket" });
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      end(response, 405, { Allow: "GET, HEAD" });
    } else {
      this.#send(folder, request, response).catch(() => end(response, 404));
    }
  }

  async #send(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts = decodeURIComponent((request.url ?? "/").replace(/\?.*$/s, "")).split("/");
    if (parts.some((part) => part.startsWith(".") || /[\0\\]/.test(part))) throw new Error("not served");
    const inside = `${await realpath(folder)}${sep}`;
    let path = await realpath(join(folder, ...parts));
    if ((await stat(path)).isDirectory()) path = await realpath(join(path, "index.html"));
    const found = await stat(path);
    if (!path.startsWith(inside) || !found.isFile()) throw new Error("not served");
    response.writeHead(200, {
      "Content-Type": TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
      "Content-Length": found.size,
      "Cache-Control": "no-cache",
      "X-Content-Type-Options": "nosniff",
    });
    if (request.method === "HEAD" || found.size === 0) {
      response.end();
      return;
    }
    const file = createReadStream(path, { end: found.size - 1 });
    file.on("error", () => response.destroy());
    file.on("end", () => {
      if (file.bytesRead < found.size) response.destroy(); // it was truncated meanwhile: the client would wait for the rest
    });
    response.on("close", () => file.destroy());
    file.pipe(response);
  }
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { ...headers, "Content-Length": 0 }).end();
}
