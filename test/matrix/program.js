/**
 * The program that is bundled, packed and run everywhere: it serves, connects, blocks, loads TLS and WebSockets in the
 * networking thread, sees one class of errors through two entry points, and ends. It prints "works".
 */

const BODY = `
const server = listen({ host: "127.0.0.1" });
const { port } = server;
const client = connect({ host: "127.0.0.1", port, timeout: 20000 });
const accepted = server.acceptWait(20000);
client.writeAll("hello\\n");
const line = accepted.readLine(20000);
for (const each of [client, accepted]) each.close();
const codeOf = (call) => {
  try {
    call();
    return "nothing was thrown";
  } catch (error) {
    return error instanceof NetError ? error.code : \`another error: \${error.stack}\`;
  }
};
const plain = connect({ host: "127.0.0.1", port, tls: { rejectUnauthorized: false } });
server.acceptWait(20000).writeAll("this is no TLS, and long enough to be seen as such\\n");
plain.waitUntilConnected(20000);
const tls = plain.error === null ? "no error" : plain.error.code;
server.close();
const rooms = listenWebSocket({ host: "127.0.0.1", port: 0 });
const browser = openWebSocket(\`ws://127.0.0.1:\${rooms.port}/\`);
const guest = rooms.acceptWait(20000);
browser.waitUntilOpen(20000);
browser.send("a message");
const message = guest.receive(20000);
for (const each of [browser, guest, rooms]) each.close();
const refused = codeOf(() => fetch(\`http://127.0.0.1:\${port}/\`).status);
const found = JSON.stringify({ line, tls, message, refused });
const expected = JSON.stringify({ line: "hello", tls: tls.startsWith("ERR_SSL_") ? tls : "ERR_SSL_…", message: "a message", refused: "ECONNREFUSED" });
if (found !== expected) throw new Error(\`found \${found}, expected \${expected}\`);
`;

const IMPORTS = `
import { connect, listen, NetError } from "ringnet";
import { fetch } from "ringnet/http";
import { listenWebSocket, openWebSocket } from "ringnet/websocket";
`;

const REQUIRES = `
const { connect, listen, NetError } = require("ringnet");
const { fetch } = require("ringnet/http");
const { listenWebSocket, openWebSocket } = require("ringnet/websocket");
`;

export const esm = `${IMPORTS}${BODY}console.log("works");\n`;
export const cjs = `${REQUIRES}${BODY}console.log("works");\n`;

/** The same as a test for a test runner, whose own imports are `imports`. */
export const testOf = (module, imports, test = "test") =>
  `${imports}${module === "esm" ? IMPORTS : REQUIRES}${test}("works", () => {${BODY}});\n`;

/** A program with `ringnet/pool`, which needs files beside it: a pool serves the requests of a blocking task. */
export const pool = {
  "pool.mjs": `
import { runBlocking, servePool } from "ringnet/pool";
const server = await servePool({ host: "127.0.0.1", threads: 1, handler: new URL("./handler.mjs", import.meta.url) });
console.log(await runBlocking(new URL("./ask.mjs", import.meta.url), server.port));
await server.close();
`,
  "handler.mjs": `export default (socket) => socket.writeAll(socket.readLine(20000) + "\\n");\n`,
  "ask.mjs": `
import { connect } from "ringnet";
export default (port) => {
  const socket = connect({ host: "127.0.0.1", port, timeout: 20000 });
  socket.writeAll("works\\n");
  return socket.readLine(20000);
};
`,
};
