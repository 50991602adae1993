/**
 * A PostgreSQL server of the tests' own: in a temporary folder, on a free port, as a user without rights.
 */

import { spawnSync } from "node:child_process";
import { chownSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folders.js";
import { closedPort } from "../support/ports.js";
import { Process } from "../support/processes.js";

const VERSIONS = "/usr/lib/postgresql";

/** The folder of the newest version's programs. */
function programs(): string {
  const [newest] = readdirSync(VERSIONS)
    .filter((version) => existsSync(join(VERSIONS, version, "bin/initdb")))
    .sort((a, b) => Number(b) - Number(a));
  return join(VERSIONS, newest as string, "bin");
}

/** The command, run as the user `postgres` if this process runs as root, which PostgreSQL refuses. */
function unprivileged(command: string[]): [string, string[]] {
  const whole =
    process.getuid?.() === 0
      ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", ...command]
      : command;
  return [whole[0] as string, whole.slice(1)];
}

/** The number of the user `postgres`, or of its group. */
function idOf(kind: "-u" | "-g"): number {
  return Number(spawnSync("id", [kind, "postgres"], { encoding: "utf8" }).stdout);
}

export interface Server {
  process: Process;
  port: number;
  /** Where its Unix domain socket is. */
  folder: string;
  user: string;
  password: string;
  /** Shuts it down. */
  stop(): void;
}

/**
 * Starts a server that requires a password by the method `authentication` of pg_hba.conf, and accepts TLS if it has a certificate. Returns when
 * it is ready.
 */
export function startPostgres(
  authentication: "scram-sha-256" | "md5" | "password" | "trust",
  identity?: { cert: string; key: string },
): Server {
  const folder = temporaryFolder();
  const [user, password] = ["tester", "pässword 1"];
  writeFileSync(join(folder, "password"), password);
  if (process.getuid?.() === 0) {
    for (const path of [folder, join(folder, "password")]) chownSync(path, idOf("-u"), idOf("-g"));
  }
  const data = join(folder, "data");
  const options = ["--username", user, "--pwfile", join(folder, "password"), "--auth", authentication];
  const [initdb, initArgs] = unprivileged([
    join(programs(), "initdb"),
    "-D",
    data,
    ...options,
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ]);
  const made = spawnSync(initdb, initArgs, { encoding: "utf8", timeout: 60_000, cwd: "/" });
  if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? ""} ${made.stdout}${made.stderr}`);
  const port = closedPort();
  const secure = identity === undefined ? [] : ["ssl=on", ...tlsFiles(folder, identity)];
  const settings = ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB", ...secure].flatMap((each) => [
    "-c",
    each,
  ]);
  const [postgres, args] = unprivileged([
    join(programs(), "postgres"),
    "-D",
    data,
    "-p",
    `${port}`,
    "-k",
    folder,
    ...settings,
  ]);
  const server = new Process(postgres, args, { cwd: "/" });
  server.waitUntil("database system is ready from", () => /ready to accept connections/.test(server.errors), 30_000);
  const stop = () => {
    server.kill("SIGINT");
    server.waitForExit(20_000);
  };
  return { process: server, port, folder, user, password, stop };
}

/** The settings for a certificate; PostgreSQL refuses a key that other users can read. */
function tlsFiles(folder: string, { cert, key }: { cert: string; key: string }): string[] {
  return Object.entries({ ssl_cert_file: cert, ssl_key_file: key }).map(([name, text]) => {
    const path = join(folder, `${name}.pem`);
    writeFileSync(path, text, { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(path, idOf("-u"), idOf("-g"));
    return `${name}=${path}`;
  });
}
