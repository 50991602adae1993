/**
 * `ringnet doctor`: checks whether the package works on this machine.
 *
 * Runs on the calling thread.
 */

import { readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, listen, parseProxy, resolve } from "../main/index.js";
import { EXIT } from "./exit-code.js";
import { CERTIFICATE_BYTES, readFile } from "./limited-file.js";

const nodeRequire = createRequire(process.execPath); // only for Node's own modules

const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);

/** Returns the exit code: 0 if everything that the package needs works. */
export function doctor(args: string[]): number {
  if (args.length > 0) {
    process.stdout.write("usage: ringnet doctor\n");
    return args[0] === "--help" || args[0] === "-h" ? EXIT.ok : EXIT.usage;
  }
  let failed = false;
  const report = (name: string, check: () => string): void => {
    let text: string;
    try {
      text = check();
    } catch (error) {
      failed = true;
      text = `FAILED: ${(error as Error).message}`;
    }
    process.stdout.write(`${`${name}:`.padEnd(14)}${text}\n`);
  };
  const { versions, platform, arch } = process;
  report("ringnet", version);
  report("node", () => `${versions.node}, ${platform} ${arch}, OpenSSL ${versions.openssl}, libuv ${versions.uv}`);
  report("thread", () => `started, with a connection to this machine, in ${milliseconds(() => echo("127.0.0.1"))} ms`);
  report("round trip", () => `${milliseconds(() => echo("127.0.0.1"))} ms with a new connection`);
  report("IPv6", () => {
    try {
      echo("::1");
      return "yes";
    } catch (error) {
      return `no: ${(error as Error).message}`;
    }
  });
  report("localhost", () => {
    const address = resolve("localhost");
    if (address.waitUntilResolved(10_000) !== "success") throw address.error ?? new Error("not resolved within 10 s");
    return address.ips.join(", ");
  });
  report("certificates", certificates);
  report(
    "proxies",
    () => PROXIES.flatMap((name) => (process.env[name] ? [`${name}=${shown(name)}`] : [])).join(" ") || "none",
  );
  report("descriptors", descriptors);
  return failed ? EXIT.failed : EXIT.ok;
}

function version(): string {
  const require = createRequire(realpathSync(process.argv[1] as string));
  return (require("ringnet/package.json") as { version: string }).version;
}

function milliseconds(action: () => void): string {
  const start = performance.now();
  action();
  return (performance.now() - start).toFixed(1);
}

/** Sends a byte to a local server and back. */
function echo(host: string): void {
  const server = listen({ host });
  const client = connect({ host, port: server.port, timeout: 10_000 });
  const accepted = server.acceptWait(10_000);
  try {
    client.write("x");
    if (accepted.readExactly(1, 10_000)?.toString() !== "x") throw new Error("the byte did not arrive");
  } finally {
    for (const each of [client, accepted, server]) each.close();
  }
}

function certificates(): string {
  const { NODE_EXTRA_CA_CERTS: extra, NODE_USE_SYSTEM_CA: system, NODE_OPTIONS = "" } = process.env;
  // First, because Node reads that file to its end as soon as `node:tls` is loaded, and does not exit before.
  const extras = extra ? [`NODE_EXTRA_CA_CERTS=${extra} (${certificatesIn(extra)})`] : [];
  const { rootCertificates } = nodeRequire("node:tls") as typeof import("node:tls");
  const parts = [`${rootCertificates.length} of Node's own`, ...extras];
  if (system === "1" || [...process.execArgv, ...NODE_OPTIONS.split(" ")].includes("--use-system-ca"))
    parts.push("the system's");
  return parts.join(", ");
}

function certificatesIn(path: string): number {
  const name = "NODE_EXTRA_CA_CERTS";
  // Node itself would wait for the end of a FIFO or a device.
  if (!(statSync(path, { throwIfNoEntry: false })?.isFile() ?? true))
    throw new Error(`${name} ${path} is not a regular file`);
  return readFile(name, path, CERTIFICATE_BYTES).toString("latin1").split("-----BEGIN").length - 1;
}

/** A proxy without its password. */
function shown(name: string): string {
  const text = process.env[name] as string;
  if (name.toLowerCase() === "no_proxy") return text;
  const { kind, host, port, username } = parseProxy(text);
  return `${kind}://${username === "" ? "" : `${username}:***@`}${host}:${port}`;
}

function descriptors(): string {
  if (process.platform !== "linux") return "unknown on this system";
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line === null ? "unknown" : `${line[1]} at most (${line[2]} if raised)`;
}
