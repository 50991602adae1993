/**
 * A peer that sends every datagram back: `node datagram-echo.js <host>`; prints the port. It ends with its standard input.
 */

import { createSocket } from "node:dgram";

const socket = createSocket("udp4");
socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
socket.bind({ port: 0, address: process.argv[2] }, () => console.log(`port ${socket.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
