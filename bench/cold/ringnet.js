/** Cold start of ringnet. */
import { byte, hello, host, port, report } from "./first-byte.js";

const start = performance.now();
const { connect } = await import("../../dist/index.mjs");
const socket = connect({ host, port: Number(port), timeout: 10_000 });
socket.writeAll(hello, 10_000);
socket.readExactly(byte.length, 10_000);
report(start);
socket.close();
