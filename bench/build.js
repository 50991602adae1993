/**
 * What a run needs and a fresh checkout does not have: the package's own build, the rivals, the two C programs and a
 * certificate. Everything made here lies in .build/, dist/ and bench/node_modules/.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const made = join(here, ".build");

/** @param {string} name */
const path = (name) => join(made, name);

/** @param {string} command @param {string[]} flags */
const works = (command, flags) => spawnSync(command, flags, { stdio: "ignore" }).status === 0;

/**
 * Compiles `source` unless the program is there and newer; tries with OpenSSL first.
 * @param {string} compiler @param {string} name @param {string} source
 * @returns {{ program: string, tls: boolean } | null}
 */
function compile(compiler, name, source) {
  const sources = [join(here, source), join(here, "peers/wire.h")];
  for (const tls of [true, false]) {
    const program = path(tls ? `${name}-tls` : name);
    const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
    if (existsSync(program) && statSync(program).mtimeMs > newest) return { program, tls };
    const flags = ["-O2", "-pthread", /** @type {string} */ (sources[0]), "-o", program];
    if (works(compiler, tls ? ["-DWITH_TLS", ...flags, "-lssl", "-lcrypto"] : flags)) return { program, tls };
  }
  return null;
}

/** A self-signed certificate for localhost, or null if there is no openssl program. */
function makeCertificate() {
  const files = { certificate: path("certificate.pem"), key: path("key.pem") };
  if (existsSync(files.certificate)) return files;
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = ["-keyout", files.key, "-out", files.certificate, "-days", "3650"];
  return works("openssl", ["req", "-x509", ...curve, ...out, ...subject]) ? files : null;
}

/** Whether all rivals are installed: a checkout may have the ones of an older list. */
function rivalsInstalled() {
  const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  return Object.keys(dependencies).every((name) => existsSync(join(here, "node_modules", name)));
}

/** Makes all of it and says what could be made. */
export function build() {
  mkdirSync(made, { recursive: true });
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  if (!existsSync(join(root, "dist/index.mjs"))) {
    execFileSync(npm, ["run", "build"], { cwd: root, stdio: "inherit" });
  }
  if (!rivalsInstalled()) {
    execFileSync(npm, ["ci", "--prefix", here, "--ignore-scripts"], { cwd: root, stdio: "inherit" });
  }
  const compiler = [process.env.CC, "cc", "gcc", "clang"].find((name) => name && works(name, ["--version"]));
  const linux = process.platform === "linux";
  return {
    compiler: compiler ?? null,
    peer: compiler && linux ? compile(compiler, "peer", "peers/peer.c") : null,
    client: compiler && linux ? compile(compiler, "client", "contenders/c.c") : null,
    certificate: makeCertificate(),
  };
}
