/**
 * A name server that answers for one name only, so that look-ups of all others get no answer:
 * `node name-server.js <name> <ip>`. It listens on port 53 of its network's loopback interface; RFC 1035, section 4.
 */

import { createSocket } from "node:dgram";

const [name, ip] = process.argv.slice(2);
const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
const question = Buffer.concat([...labels, Buffer.of(0)]);
const A = 1;

const socket = createSocket("udp4");
socket.on("message", (query, from) => {
  const end = 12 + question.length;
  if (!query.subarray(12, end).equals(question)) return;
  const answered = query.readUInt16BE(end) === A ? 1 : 0;
  const head = Buffer.from(query.subarray(0, end + 4));
  head.writeUInt16BE(0x8180, 2); // a response without an error
  head.writeUInt16BE(answered, 6);
  head.writeUInt32BE(0, 8);
  // A pointer to the name in the question, type A, class IN, 60 s, 4 bytes.
  const answer = Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, ...ip.split(".").map(Number)]);
  socket.send(answered ? Buffer.concat([head, answer]) : head, from.port, from.address);
});
socket.bind(53, "127.0.0.1", () => console.log("ready"));
process.stdin.on("end", () => process.exit(0)).resume();
