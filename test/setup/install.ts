/**
 * Installs the stock programs that tests use as peers, from Debian's packages, where they are missing.
 *
 * Needs root (or sudo that asks for no password); says which packages to install by hand where it can't.
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Not a program but a module of the system's Python. */
const PYTHON_WEBSOCKETS = "/usr/lib/python3/dist-packages/websockets";

/** Programs, and the packages that they come from. */
const PROGRAMS: Record<string, string> = {
  apache2: "apache2",
  chromium: "chromium",
  curl: "curl",
  danted: "dante-server",
  initdb: "postgresql",
  ip: "iproute2",
  microsocks: "microsocks",
  nc: "netcat-openbsd",
  nginx: "nginx",
  openssl: "openssl",
  "redis-server": "redis-server",
  squid: "squid",
  tinyproxy: "tinyproxy",
  [PYTHON_WEBSOCKETS]: "python3-websockets",
};

/** The PATH of a user may lack the folders of administrators' programs, and does not contain PostgreSQL's. */
function folders(): string[] {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).map((version) => join(POSTGRES, version, "bin")) : [];
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", ...versions];
}

const POSTGRES = "/usr/lib/postgresql";

function found(program: string): boolean {
  if (isAbsolute(program)) return existsSync(program);
  return folders().some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(command: string, args: string[]): { ok: boolean; text: string } {
  // RUNLEVEL=1 keeps a package from starting its service: the tests start programs themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const done = spawnSync(command, args, { env, encoding: "utf8", timeout: 600_000 });
  const text = done.error?.message ?? `${done.stdout.slice(-2000)}${done.stderr.slice(-2000)}`;
  return { ok: done.status === 0, text };
}

/** Installs what is missing; throws an error that says what to do where it can't. */
export function installPrograms(): void {
  if (process.platform !== "linux") return; // `npm run test:portable` needs none
  const missing = Object.keys(PROGRAMS).filter((program) => !found(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => PROGRAMS[program] as string);
  console.log(`installing ${packages.join(", ")} for the tests`);
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND,RUNLEVEL"];
  const aptGet = (...args: string[]) => {
    const [command, ...rest] = [...asRoot, "apt-get", ...args] as [string, ...string[]];
    return run(command, rest);
  };
  const install = () => aptGet("install", "-y", "-qq", "--no-install-recommends", ...packages);
  let result = install();
  if (!result.ok) {
    aptGet("update", "-qq"); // package lists may be missing or old
    result = install();
  }
  const still = missing.filter((program) => !found(program));
  if (still.length > 0) {
    throw new Error(
      `The tests need ${still.join(", ")}, and could not install them. Install these packages by hand: ` +
        `${packages.join(" ")} (Debian's names)\n${result.text}`,
    );
  }
}
