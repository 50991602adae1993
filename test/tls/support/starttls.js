/**
 * A server whose connections begin in plain text, run by `node starttls.js <JSON>`: `{ key, cert, … }`, options of Node's TLS servers.
 * It greets with a line, answers each line `what` with `plain what`, and a line `STARTTLS` with `go`; then it speaks TLS, says
 * `welcome`, and echoes. Prints `port <n>`. `hold`: it answers and never starts the handshake; `cut`: it answers, and then ends or resets.
 * `first`: it is the TLS client, and sends its first message right after its answer.
 */

import net from "node:net";
import tls from "node:tls";

const { hold, cut, first, ...options } = JSON.parse(process.argv[2]);
const secureContext = tls.createSecureContext(options); // one for all connections, because it holds the keys of the session tickets

function secure(socket) {
  if (hold) return;
  if (cut === "end") return void socket.end();
  if (cut === "reset") return void socket.resetAndDestroy();
  const secured = first
    ? tls.connect({ ...options, socket })
    : new tls.TLSSocket(socket, { isServer: true, ...options, secureContext });
  secured.on("error", () => {});
  secured.once(first ? "secureConnect" : "secure", () => {
    secured.write("welcome\n");
    secured.pipe(secured);
  });
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  let text = "";
  const take = (bytes) => {
    text += bytes.toString("latin1");
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (line !== "STARTTLS") {
        socket.write(`plain ${line}\n`);
        continue;
      }
      socket.off("data", take);
      if (text !== "") socket.unshift(Buffer.from(text, "latin1"));
      socket.write("go\n");
      secure(socket);
      return;
    }
  };
  socket.on("data", take);
  socket.write("hello\n");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${server.address().port}\n`));
