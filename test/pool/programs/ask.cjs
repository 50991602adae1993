/** A task: asks an echo server, blocking. */

const { connect } = require("ringnet");

module.exports = function ask(port) {
  const socket = connect({ host: "127.0.0.1", port, timeout: 10_000 });
  socket.writeAll("hello\n", 5000);
  const line = socket.readLine(5000);
  socket.close();
  return line;
};
