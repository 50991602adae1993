/**
 * Looks for leaks at full size: `node test/leaks/run.js [part of a name]`. Takes some minutes, prints a table, and fails if anything leaks.
 */

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { complaints, ENVIRONMENT, PROGRAMS } from "./verdict.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv[2] ?? "";
const folder = mkdtempSync(join(tmpdir(), "ringnet-leaks-"));
const children = [];

/** Starts a peer, whose output goes to a file, and gives its port: the first number of at least four digits that it prints. */
async function portOf(script, ...args) {
  const path = join(folder, `${children.length}`);
  const output = openSync(path, "w");
  const child = spawn(process.execPath, [join(here, script), ...args], { stdio: ["pipe", output, "inherit"] });
  closeSync(output);
  children.push(child);
  for (;;) {
    const port = /\b(\d{4,5})\b/.exec(readFileSync(path, "latin1"))?.[1];
    if (port !== undefined) return port;
    if (child.exitCode !== null) throw new Error(`${script} ended`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A self-signed certificate for localhost. */
function certificate() {
  const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  spawnSync("openssl", ["req", ...kind, "-subj", "/CN=localhost", "-keyout", keyPath, "-out", certPath]);
  return { key: readFileSync(keyPath, "utf8"), cert: readFileSync(certPath, "utf8") };
}

const echo = { behaviour: "echo", host: "127.0.0.1", hash: false };
const ports = {
  none: "0",
  tcp: await portOf("../support/peer.js", JSON.stringify(echo)),
  tls: await portOf("../support/peer.js", JSON.stringify({ ...echo, tls: certificate() })),
  http: await portOf("../http/support/node-server.js"),
  tunnel: await portOf("tunnel-peer.js", JSON.stringify(certificate())),
  udp: await portOf("../faults/datagram-echo.js", "127.0.0.1"),
};

for (const { name, program, full, peer, mode } of PROGRAMS.filter((each) => each.name.includes(wanted))) {
  const start = performance.now();
  const args = ["--expose-gc", join(here, "programs", program), `${full}`, ports[peer], mode ?? peer];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...ENVIRONMENT },
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  await new Promise((resolve) => child.on("close", resolve));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const accounts = JSON.parse(output || "null");
  const wrong = accounts === null ? ["it did not end"] : complaints(accounts);
  if (wrong.length > 0) process.exitCode = 1;
  console.log(`${full} ${name}, ${seconds} s: ${wrong.length === 0 ? "all is back" : wrong.join("; ")}`);
  if (accounts !== null) {
    for (const what of Object.keys(accounts.before))
      console.log(`  ${what}: ${accounts.before[what]} → ${accounts.after[what]}`);
  }
}
for (const child of children) child.kill();
rmSync(folder, { recursive: true });
