// The players of examples/game-loop.js, in a process of their own: node:net clients that press keys now and then.
//
//   node players.js <port> <players>

import net from "node:net";

const [port, count] = process.argv.slice(2).map(Number);
const input = Buffer.alloc(8);

for (let player = 0; player < count; player++) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => {});
  socket.resume(); // a player that looked at the world would draw it
  const press = () => {
    if (socket.destroyed) return;
    input.writeInt32LE(player, 0);
    input.writeInt32LE(Math.random() < 0.5 ? -1 : 1, 4);
    socket.write(Buffer.from(input));
    setTimeout(press, 20 + Math.random() * 200);
  };
  socket.on("connect", press);
}
