/**
 * A request as it is sent.
 *
 * Runs on the calling thread.
 */

import type { HeaderList } from "./header-list.js";
import { basic } from "./proxy.js";
import type { GivenBody, RequestBody } from "./request-body.js";
import { isRelayed, type Route } from "./route.js";
import { Upload } from "./upload.js";

export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  /** Without the headers that the connection adds: `Host`, the length, the proxy's credentials. */
  readonly headers: HeaderList;
  readonly body: RequestBody | null;
  /** Whether the connection ends with it (`Connection: close`). */
  readonly closes: boolean;
  /** What `Referer` may show, from the redirects so far (`Referrer-Policy`). */
  readonly referrerPolicy: string;
}

/** A request whose body may have Blobs that are not read yet. */
export type UnreadRequest = Omit<OutgoingRequest, "body"> & { readonly body: GivenBody | null };

/** Methods whose requests have `Content-Length: 0` if they have no body. */
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

/** The upload of the head and the body. */
export function upload({ method, url, headers, body }: OutgoingRequest, route: Route): Upload {
  const { proxy } = route;
  const relayed = isRelayed(route);
  const target = `${url.pathname}${url.search}`;
  let head = `${method} ${relayed ? `http://${url.host}${target}` : target} HTTP/1.1\r\n`;
  if (!headers.has("host")) head += `Host: ${url.host}\r\n`;
  head += proxy === null || relayed ? headers : withoutSecret(headers);
  const length = body?.source instanceof Uint8Array ? body.source.length : null;
  const promised = headers.get("content-length");
  let declared = length;
  if (promised !== null) declared = Number(promised);
  else if (length !== null) head += `Content-Length: ${length}\r\n`;
  else if (body !== null) head += "Transfer-Encoding: chunked\r\n";
  else if (WITH_BODY.has(method)) head += "Content-Length: 0\r\n";
  if (
    relayed &&
    proxy !== null &&
    (proxy.username !== "" || proxy.password !== "") &&
    !headers.has("proxy-authorization")
  ) {
    head += `Proxy-Authorization: ${basic(proxy.username, proxy.password)}\r\n`;
  }
  const held = body !== null && headers.get("expect") !== null;
  return new Upload(Buffer.from(`${head}\r\n`, "latin1"), body, held, declared);
}

/** Through a tunnel all headers reach the server, which must not see the proxy's password. */
function withoutSecret(headers: HeaderList): HeaderList {
  if (!headers.has("proxy-authorization")) return headers;
  const copy = headers.copy();
  copy.delete("proxy-authorization");
  return copy;
}
