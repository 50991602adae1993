// The demo's server, in another process: a stock node:http server with a file of random bytes, and a node:net server
// that talks to each client, as a game server would. Prints its two ports and the file's SHA-256 as JSON on one line.

import { createHash, randomFillSync } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";

const size = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), "ringnet-demo-"));
const file = join(folder, "random.bin");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.on("disconnect", () => process.exit());

const written = createHash("sha256");
const output = createWriteStream(file);
const piece = Buffer.alloc(1024 * 1024);
for (let left = size; left > 0; left -= piece.length) {
  const bytes = randomFillSync(piece).subarray(0, left);
  written.update(bytes);
  if (!output.write(Buffer.from(bytes))) await new Promise((resolve) => output.once("drain", resolve));
}
output.end();
await finished(output);

const http = createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "content-length": size });
    createReadStream(file, { highWaterMark: 1024 * 1024 }).pipe(response);
  } else {
    const received = createHash("sha256");
    request.on("data", (bytes) => received.update(bytes));
    request.on("end", () => response.end(received.digest("hex")));
  }
});

const players = new Set();
const game = createTcpServer((socket) => {
  players.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => players.delete(socket));
});
setInterval(() => {
  for (const socket of players) if (Math.random() < 0.2) socket.write(`x ${Math.random().toFixed(6)}\n`);
}, 10);

http.listen(0, "127.0.0.1", () =>
  game.listen(0, "127.0.0.1", () => {
    console.log(
      JSON.stringify({ http: http.address().port, game: game.address().port, sha256: written.digest("hex") }),
    );
  }),
);
