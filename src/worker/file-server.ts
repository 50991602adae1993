/**
 * Serves a folder's files over HTTP, for the pages that open the server's WebSockets.
 *
 * Runs on the networking thread, without blocking it. Names that begin with a dot are not served, nor are links to
 * files outside the folder. Conditions and ranges are those of RFC 9110; a request for several ranges gets the whole
 * file.
 */

import { createReadStream, type Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";

const TYPES: Record<string, string> = {
  ".avif": "image/avif",
  ".css": "text/css; charset=utf-8",
  ".flac": "audio/flac",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".m4a": "audio/mp4",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".oga": "audio/ogg",
  ".ogg": "audio/ogg",
  ".ogv": "video/ogg",
  ".opus": "audio/ogg",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".wav": "audio/wav",
  ".webm": "video/webm",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** What identifies a version of a file. */
type Validators = Record<"ETag" | "Last-Modified", string>;

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
    const [, encoded = "", query = ""] = /^([^?]*)(.*)$/s.exec(request.url ?? "/") ?? [];
    const parts = decodeURIComponent(encoded).split("/");
    if (parts.some((part) => part.startsWith(".") || /[\0\\]/.test(part))) throw new Error("not served");
    const inside = `${await realpath(folder)}${sep}`;
    let path = await realpath(join(folder, ...parts));
    if (!`${path}${sep}`.startsWith(inside)) throw new Error("not served");
    const asFolder = parts.at(-1) === "";
    if ((await stat(path)).isDirectory()) {
      if (!asFolder) {
        // From its names: a path that begins with two slashes would lead to another host.
        const names = parts.filter((part) => part !== "").map(encodeURIComponent);
        end(response, 301, { Location: `/${names.join("/")}/${query}`, "Cache-Control": "no-cache" });
        return;
      }
      path = await realpath(join(path, "index.html"));
    } else if (asFolder) {
      throw new Error("not served");
    }
    const found = await stat(path);
    if (!path.startsWith(inside) || !found.isFile()) throw new Error("not served");
    sendFile(path, found, request, response);
  }
}

function sendFile(path: string, { size, mtimeMs }: Stats, request: IncomingMessage, response: ServerResponse): void {
  const validators = {
    ETag: `"${size.toString(16)}-${mtimeMs.toString(16)}"`,
    "Last-Modified": new Date(mtimeMs).toUTCString(),
  };
  const same = { ...validators, "Accept-Ranges": "bytes", "Cache-Control": "no-cache" };
  if (isCurrent(request, validators)) {
    response.writeHead(304, same).end();
    return;
  }
  const range = rangeOf(request, validators, size);
  const [start, last] = range ?? [0, size - 1];
  if (start > last && range !== null) {
    end(response, 416, { "Content-Range": `bytes */${size}` });
    return;
  }
  const length = last - start + 1;
  response.writeHead(range === null ? 200 : 206, {
    ...same,
    "Content-Type": TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
    "Content-Length": length,
    ...(range === null ? {} : { "Content-Range": `bytes ${start}-${last}/${size}` }),
    "X-Content-Type-Options": "nosniff",
  });
  if (request.method === "HEAD" || length === 0) {
    response.end();
    return;
  }
  const file = createReadStream(path, { start, end: last });
  file.on("error", () => response.destroy());
  file.on("end", () => {
    if (file.bytesRead < length) response.destroy(); // it was truncated meanwhile: the client would wait for the rest
  });
  response.on("close", () => file.destroy());
  file.pipe(response);
}

/** Whether the client has this version. RFC 9110, section 13.2.2. */
function isCurrent({ headers }: IncomingMessage, validators: Validators): boolean {
  const tags = headers["if-none-match"];
  if (tags !== undefined) {
    return tags.split(",").some((each) => ["*", validators.ETag].includes(each.trim().replace(/^W\//, "")));
  }
  const since = headers["if-modified-since"];
  return since !== undefined && Date.parse(validators["Last-Modified"]) <= Date.parse(since);
}

/** The first and last byte asked for; the first is greater if the file has none of them; null: the whole file. */
function rangeOf({ method, headers }: IncomingMessage, validators: Validators, size: number): [number, number] | null {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/i.exec(headers.range ?? "") ?? [];
  const condition = headers["if-range"];
  const holds = condition === undefined || Object.values(validators).includes(String(condition));
  if (method !== "GET" || !holds || (from === "" && to === "")) return null;
  if (from === "") return [Math.max(0, size - Number(to)), size - 1];
  if (to !== "" && Number(to) < Number(from)) return null; // not a range
  return [Number(from), Math.min(size - 1, to === "" ? Number.POSITIVE_INFINITY : Number(to))];
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { ...headers, "Content-Length": 0 }).end();
}
