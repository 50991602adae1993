/** This package's TCP alone: what the cold start of HTTP is compared with. */
import { connect } from "../../../dist/index.mjs";

/** ms for the connection, and for the answer. */
const PATIENCE = 10_000;

/** @type {import("../contract.js").HttpContender} */
export default {
  get(url) {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), timeout: PATIENCE });
    socket.writeAll(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`, PATIENCE);
    socket.readUntil("\r\n\r\n", PATIENCE);
    const body = socket.readExactly(100, PATIENCE) ?? Buffer.alloc(0);
    socket.close();
    return body;
  },
  read: () => 0,
  post: () => 0,
};
