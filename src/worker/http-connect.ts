/**
 * HTTP's CONNECT (RFC 9110, 9.3.6): asks the proxy for a tunnel to the server.
 *
 * Runs on the networking thread.
 */

import { isIPv6 } from "node:net";
import type { ProxyTarget } from "../ring/protocol.js";
import { type ProxyConversation, proxyError } from "./proxy-conversation.js";

/** The most bytes of an answer's head. */
const HEAD_MAX = 64 * 1024;
/** The most informational answers (1xx) before the final one. */
const INTERIM_MAX = 8;
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/;

/**
 * Resolves once the tunnel to `host`, a name or an IP, is established. Rejects with the proxy's status if it refuses.
 */
export async function httpConnect(
  proxy: ProxyConversation,
  { username, password }: ProxyTarget,
  host: string,
  port: number,
): Promise<void> {
  const authority = `${isIPv6(host) ? `[${host.split("%", 1)[0]}]` : host}:${port}`;
  let head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`;
  if (username !== "" || password !== "") {
    head += `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}\r\n`;
  }
  proxy.write(`${head}\r\n`);
  for (let interim = 0; interim <= INTERIM_MAX; interim++) {
    const answer = (await proxy.until("\r\n\r\n", HEAD_MAX)).toString("latin1");
    const found = STATUS_LINE.exec(answer);
    if (found === null) throw proxyError("its answer to CONNECT is not HTTP/1.1");
    const [, status = "", words = ""] = found;
    if (status.startsWith("2")) return;
    if (!status.startsWith("1") || status === "101") {
      throw proxyError(`it answered CONNECT ${authority} with ${`${status} ${words}`.trim().slice(0, 200)}`);
    }
  }
  throw proxyError(`it sent more than ${INTERIM_MAX} informational responses to CONNECT`);
}
