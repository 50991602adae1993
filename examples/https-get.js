// A blocking HTTP GET over TLS: look up, connect, verify, ask, read. No async, no callbacks.
//
//   node examples/https-get.js https://example.org/ [file with the CA certificates to trust instead of Node's own]

import { connect } from "ringnet";

const TIMEOUT = 10_000;

/**
 * Fetches a URL and returns `{ status, headers, body }`. Throws a `NetError` when the network fails, or the peer's
 * certificate does not match.
 */
export function get(url, caFile) {
  const { hostname, port, pathname, search } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1"); // an IPv6 address
  const tls = { ALPNProtocols: ["http/1.1"], ...(caFile === undefined ? {} : { caFile }) };
  const socket = connect({ host, port: Number(port || 443), tls, timeout: TIMEOUT });
  try {
    const request = [`GET ${pathname}${search} HTTP/1.1`, `Host: ${hostname}`, "Connection: close", "", ""];
    socket.writeAll(request.join("\r\n"), TIMEOUT);
    const status = Number(socket.readLine(TIMEOUT)?.split(" ")[1]);
    const headers = new Map();
    for (let line = socket.readLine(TIMEOUT); line; line = socket.readLine(TIMEOUT)) {
      const colon = line.indexOf(":");
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return { status, headers, body: readBody(socket, headers), protocol: socket.tlsProtocol };
  } finally {
    socket.close();
  }
}

/** The body has one of three forms: in chunks, of a known length, or up to the end (RFC 9112, 6.3). */
function readBody(socket, headers) {
  if (headers.get("transfer-encoding") === "chunked") {
    const chunks = [];
    for (;;) {
      const size = Number.parseInt(socket.readLine(TIMEOUT), 16);
      if (Number.isNaN(size)) throw new Error("invalid chunk size");
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(socket.readExactly(size, TIMEOUT));
      socket.readLine(TIMEOUT); // the end of the chunk
    }
  }
  const length = headers.get("content-length");
  return length === undefined ? socket.readAll(TIMEOUT) : socket.readExactly(Number(length), TIMEOUT);
}

if (process.argv[1] === import.meta.filename) {
  const [url = "https://example.org/", caFile] = process.argv.slice(2);
  try {
    const { status, headers, body, protocol } = get(url, caFile);
    console.error(`${status} over ${protocol}, ${headers.get("content-type")}, ${body.length} bytes`);
    process.stdout.write(body);
  } catch (error) {
    console.error(`${url}: ${error.code ?? ""} ${error.message}`);
    process.exitCode = 1;
  }
}
