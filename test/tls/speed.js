/**
 * A TLS download of 256 MB by `connect({ tls })` and by an async `node:tls` client, in turns: `npm run build`, then
 * `node test/tls/speed.js [rounds]`. Prints the speed of each round and the ratio of the medians.
 *
 * The server is a process of its own (test/support/peer.js), and so is each client, so that none warms up another.
 */

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROUNDS = Number(process.argv[2] ?? 7);
const BYTES = 256 << 20;
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ringnet-tls-speed-"));
const certPath = join(folder, "cert.pem");
const keyPath = join(folder, "key.pem");
const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", keyPath, "-out", certPath], {
  stdio: "ignore",
});

// Not the behaviour `source` of the peers: it encrypts its content, which would cost more than TLS.
const SERVER = `
import { readFileSync } from "node:fs";
import tls from "node:tls";
const [key, cert] = process.argv.slice(1).map((path) => readFileSync(path));
const piece = Buffer.alloc(1 << 16, 120);
const server = tls.createServer({ key, cert }, (socket) => {
  let left = ${BYTES};
  const pump = () => {
    while (left > 0) {
      left -= piece.length;
      if (!socket.write(piece)) return void socket.once("drain", pump);
    }
    socket.end();
  };
  socket.on("error", () => {});
  pump();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

const CLIENTS = {
  ringnet: `
import { connect } from "ringnet";
import { readFileSync } from "node:fs";
const [port, caPath] = process.argv.slice(1);
const socket = connect({ host: "localhost", port: Number(port), tls: { ca: readFileSync(caPath) }, timeout: 10000 });
const start = performance.now();
const target = new Uint8Array(1 << 20);
let total = 0;
for (;;) {
  const count = socket.readInto(target);
  if (count === null) break;
  total += count;
  if (count === 0 && !socket.waitUntilReadable(10000)) throw new Error("nothing came for 10 s, after " + total + " bytes");
}
console.log(JSON.stringify({ total, ms: performance.now() - start }));`,
  "node:tls": `
import tls from "node:tls";
import { readFileSync } from "node:fs";
const [port, caPath] = process.argv.slice(1);
const options = { host: "localhost", port: Number(port), ca: readFileSync(caPath) };
const socket = tls.connect(options, () => {
  const start = performance.now();
  let total = 0;
  socket.on("data", (bytes) => {
    total += bytes.length;
  });
  socket.on("end", () => console.log(JSON.stringify({ total, ms: performance.now() - start })));
});`,
};

const server = spawn(process.execPath, ["--input-type=module", "--eval", SERVER, "--", keyPath, certPath], {
  stdio: ["ignore", openSync(join(folder, "port"), "w"), "inherit"],
});
process.on("exit", () => {
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
while (readFileSync(join(folder, "port"), "utf8") === "") await new Promise((done) => setTimeout(done, 20));
const port = readFileSync(join(folder, "port"), "utf8").trim();

const speeds = { ringnet: [], "node:tls": [] };
for (let round = 1; round <= ROUNDS; round++) {
  for (const [name, source] of Object.entries(CLIENTS)) {
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", source, "--", port, certPath], {
      cwd: root,
      encoding: "utf8",
      timeout: 60_000,
    });
    const { total, ms } = JSON.parse(output);
    if (total !== BYTES) throw new Error(`${name} received ${total} bytes`);
    speeds[name].push(total / 1e6 / (ms / 1000));
  }
  console.log(
    `round ${round}: ${Object.entries(speeds)
      .map(([name, all]) => `${name} ${Math.round(all.at(-1))} MB/s`)
      .join(", ")}`,
  );
}
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const [ours, nodes] = [median(speeds.ringnet), median(speeds["node:tls"])];
console.log(
  `median: ringnet ${Math.round(ours)} MB/s, node:tls ${Math.round(nodes)} MB/s, ratio ${(ours / nodes).toFixed(2)}`,
);
process.exit();
