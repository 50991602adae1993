/**
 * Restricted processes and unusual folders: each program is a process of its own that connects, serves, looks a name up, verifies a
 * certificate and asks for a page.
 *
 * The tests that need mount namespaces, limits or other users run on Linux: as root, or where unprivileged users may make namespaces
 * (`unshare -Urm`). Yarn's Plug'n'Play and pnpm themselves are in `npm run matrix`; here is the layout that pnpm makes.
 */

import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { type Peer, startPeer } from "../support/peers.js";
import { Process, root } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";
import { Authority } from "../tls/support/certificates.js";

const linux = process.platform === "linux";
const asRoot = process.getuid?.() === 0;
const major = Number.parseInt(process.versions.node, 10);

const authority = new Authority("ringnet test root");
const { key, cert } = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });

/** What each program does; its last argument has the peers' ports and the authority. */
const BODY = `
  const [plain, secure, page, ca] = JSON.parse(process.argv[process.argv.length - 1]);
  const say = (socket, text) => {
    socket.writeAll(text + "\\n");
    if (socket.readLine(20000) !== text) throw new Error("another answer");
    socket.close();
  };
  say(connect({ host: "127.0.0.1", port: plain, timeout: 20000 }), "plain");
  say(connect({ host: "127.0.0.1", port: secure, tls: { ca }, timeout: 20000 }), "secure");
  const server = listen({ host: "127.0.0.1" });
  const client = connect({ host: "127.0.0.1", port: server.port, timeout: 20000 });
  const accepted = server.acceptWait(20000);
  client.writeAll("served\\n");
  if (accepted.readLine(20000) !== "served") throw new Error("another line");
  for (const each of [client, accepted, server]) each.close();
  const address = resolve("localhost");
  if (!address.waitUntilResolved(20000)) throw address.error ?? new Error("no name");
  const udp = bindUdp({ host: "127.0.0.1" });
  udp.close();
  let status;
  try {
    status = String(fetch(\`http://127.0.0.1:\${page}/pattern/5\`, { timeout: 20000 }).text().length);
  } catch (error) {
    status = error.message;
  }
  console.log("works, HTTP: " + status);
`;

const ESM = `
  import { bindUdp, connect, listen, resolve } from "ringnet";
  import { fetch } from "ringnet/http";
`;
const CJS = `
  const { bindUdp, connect, listen, resolve } = require("ringnet");
  const { fetch } = require("ringnet/http");
`;

/** Prints the folders that can be written to: none on a read-only file system. */
const WRITABLE = `
  import { writeFileSync } from "node:fs";
  import { tmpdir } from "node:os";
  for (const folder of [".", tmpdir(), "/dev/shm", "/var/tmp"]) {
    try {
      writeFileSync(folder + "/ringnet-test-left-over", "");
      console.log("writable: " + folder);
    } catch (error) {
      if (error.code !== "EROFS") throw error;
    }
  }
`;

let argument: string;
let peers: Peer[];
let home: string;

beforeAll(() => {
  peers = [startPeer("echo"), startPeer("echo", { tls: { key, cert } }), startPeer("http")];
  argument = JSON.stringify([...peers.map(({ port }) => port), authority.cert]);
  home = install(temporaryFolder());
});

/** Installs the package into a folder as npm does, and puts the two programs there. */
function install(folder: string): string {
  const target = join(folder, "node_modules/ringnet");
  mkdirSync(target, { recursive: true });
  copyPackage(target);
  writeManifest(folder);
  writePrograms(folder);
  chmodSync(folder, 0o755); // another user reads it
  return folder;
}

function copyPackage(target: string): void {
  cpSync(join(root, "dist"), join(target, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(target, "package.json"));
}

/** Deno resolves no other names. */
function writeManifest(folder: string): void {
  writeFileSync(join(folder, "package.json"), '{ "dependencies": { "ringnet": "*" } }');
}

function writePrograms(folder: string): void {
  writeFileSync(join(folder, "in.mjs"), ESM + BODY);
  writeFileSync(join(folder, "in.cjs"), CJS + BODY);
}

interface Place {
  /** A command, such as `env -i`, to which the program's command line is appended. */
  within?: string[];
  flags?: string[];
  env?: Record<string, string | undefined>;
  cwd?: string;
  file?: string;
}

/** Runs one of the programs; gives what it printed. */
function run({ within = [], flags = [], env = {}, cwd = home, file = "in.mjs" }: Place): string {
  const [runtime = "", ...rest] = fileCommand(file, argument);
  const [command = "", ...args] = [...within, runtime, ...flags, ...rest];
  const program = new Process(command, args, { cwd, env: { NODE_OPTIONS: undefined, ...env } });
  program.waitForOutput(/works/, 25_000);
  program.waitForExit();
  return program.output;
}

const WORKS = "works, HTTP: 5\n";

const expectToWork = (place: Place) => expect(run(place)).toBe(WORKS);

/** Runs shell commands in a mount namespace of its own before the program. */
const mounted = (commands: string) => ["unshare", asRoot ? "-m" : "-Urm", "sh", "-ec", `${commands}\nexec "$@"`, "sh"];

describe.runIf(linux)("works on Linux with", () => {
  test("a read-only file system", () => {
    const place = install(temporaryFolder());
    writeFileSync(join(place, "in.mjs"), `${WRITABLE}${ESM}${BODY}`);
    const remount = `for folder in / /tmp /var/tmp /dev/shm "$TMPDIR"; do
        mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder"
      done
      cd "${place}"`;
    expectToWork({ within: mounted(remount), cwd: place });
  });

  test("no /dev/shm", () => {
    const devices = temporaryFolder();
    const names = ["null", "zero", "random", "urandom"];
    for (const name of names) writeFileSync(join(devices, name), "");
    const place = install(temporaryFolder());
    writeFileSync(
      join(place, "in.mjs"),
      `import { existsSync } from "node:fs";
      if (existsSync("/dev/shm")) throw new Error("it is there");
      ${ESM}${BODY}`,
    );
    const binds = names.map((name) => `mount --bind /dev/${name} ${devices}/${name}`).join("\n");
    expectToWork({ within: mounted(`${binds}\nmount --rbind ${devices} /dev`), cwd: place });
  });

  test("32 file descriptors", () => {
    expectToWork({ within: ["sh", "-c", 'ulimit -n 32; exec "$@"', "sh"] });
  });

  test("an empty environment", () => {
    expectToWork({ within: ["env", "-i"] });
  });

  test.runIf(asRoot)("a user without write access", () => {
    const nobody = [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--no-new-privs",
      "--bounding-set=-all",
    ];
    expectToWork({ within: nobody, env: { HOME: "/nonexistent", TMPDIR: "/nonexistent" } });
  });
});

describe("works with Node's flags", () => {
  const allowed = () => [
    major >= 22 ? "--permission" : "--experimental-permission",
    "--allow-worker",
    `--allow-fs-read=${home}`,
    ...(major >= 25 ? ["--allow-net"] : []),
  ];

  test("--permission, with nothing but its own folder to read", () => {
    expectToWork({ flags: allowed() });
    expectToWork({ flags: allowed(), file: "in.cjs" });
  });

  test.each([
    "--frozen-intrinsics",
    "--disallow-code-generation-from-strings",
    "--max-old-space-size=64",
    "--disable-proto=delete",
    "--disable-proto=throw",
    "--no-addons",
  ])("%s", (flag) => {
    expectToWork({ flags: [flag] });
  });

  test("several at once, as CommonJS", () => {
    const flags = ["--frozen-intrinsics", "--disallow-code-generation-from-strings", "--disable-proto=throw"];
    expectToWork({ flags: [...flags, "--max-old-space-size=64", "--no-addons"], file: "in.cjs" });
  });

  test("--disallow-code-generation-from-strings in force in the program's thread", () => {
    const flags = ["--disallow-code-generation-from-strings"];
    writeFileSync(
      join(home, "no-code.mjs"),
      `let refused = "nothing";
      try { new Function("return 1"); } catch (error) { refused = error.name; }
      if (refused !== "EvalError") throw new Error(refused);
      ${ESM}${BODY}`,
    );
    expectToWork({ flags, file: "no-code.mjs" });
  });

  test("--jitless, except HTTP, whose error names WebAssembly", () => {
    expect(run({ flags: ["--jitless", "--no-warnings"] })).toMatch(/^works, HTTP: HTTP needs WebAssembly.*--jitless/);
  });

  test("in NODE_OPTIONS", () => {
    const flags = `--disallow-code-generation-from-strings --frozen-intrinsics --max-old-space-size=64`;
    expectToWork({ env: { NODE_OPTIONS: major >= 22 ? flags : "--frozen-intrinsics --max-old-space-size=64" } });
  });
});

describe("works in a folder", () => {
  test.each([
    "with spaces",
    "ünïcödé 日本 🪐",
    "a#b",
    "100%",
    "a%20b",
    "what?",
    `'single' "double"`,
    "$HOME `id`",
    "new\nline",
  ])("%j", (name) => {
    const folder = join(temporaryFolder(), name);
    mkdirSync(folder);
    install(folder);
    expectToWork({ cwd: folder });
  });

  test("with many such characters, as CommonJS", () => {
    // No backslash: Node itself loads no package with `exports` from such a path.
    const folder = join(temporaryFolder(), "spaces %20 a#b 日本 'x'?");
    mkdirSync(folder);
    install(folder);
    expectToWork({ cwd: folder, file: join(folder, "in.cjs") });
  });

  test("near the system's longest path, with names of 250 characters", () => {
    const folder = join(temporaryFolder(), ...Array.from({ length: 12 }, () => "x".repeat(250)));
    mkdirSync(folder, { recursive: true });
    install(folder);
    expectToWork({ cwd: folder });
  });

  test("with links, as pnpm lays packages out", () => {
    const folder = temporaryFolder();
    const store = join(folder, "node_modules/.pnpm/ringnet@1.0.0_file+..+x/node_modules/ringnet");
    mkdirSync(store, { recursive: true });
    copyPackage(store);
    symlinkSync(store, join(folder, "node_modules/ringnet"));
    writeManifest(folder);
    writePrograms(folder);
    expectToWork({ cwd: folder });
    expectToWork({ cwd: folder, file: "in.cjs", flags: ["--preserve-symlinks", "--preserve-symlinks-main"] });
  });
});
