/**
 * The command, run as from a shell, with curl, nc and openssl as peers.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Server, startNginx, startNodeServer, startSquid } from "../http/support/servers.js";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { Process, root } from "../support/processes.js";
import { startNetcat } from "../support/programs.js";
import { fileCommand } from "../support/runtime.js";
import { pause } from "../support/waiting.js";
import { Authority, type Identity } from "../tls/support/certificates.js";

const COMMAND = join(root, "dist/command.cjs");
const ENV = {
  NODE_OPTIONS: undefined,
  http_proxy: undefined,
  HTTP_PROXY: undefined,
  all_proxy: undefined,
  ALL_PROXY: undefined,
};

let server: Server;
let nginx: Server & { files: string };
let authority: Authority;
let identity: Identity;
let secure: Server;

beforeAll(() => {
  server = startNodeServer();
  nginx = startNginx();
  authority = new Authority("root of commands");
  identity = authority.issue({ names: ["localhost"] });
  secure = startNodeServer(identity);
  writeFileSync(join(nginx.files, "large"), Buffer.alloc(5_000_000, "0123456789abcdef"));
});

function run(args: string[], input: string | Buffer = "", env: Record<string, string> = {}, cwd?: string) {
  const done = spawnSync(process.execPath, [COMMAND, ...args], {
    input,
    cwd,
    env: { ...process.env, ...ENV, ...env },
    timeout: 60_000,
    killSignal: "SIGKILL",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: done.status, output: done.stdout, text: String(done.stdout), errors: String(done.stderr) };
}

function start(args: string[], env: Record<string, string> = {}): Process {
  return new Process(process.execPath, [COMMAND, ...args], { env: { ...ENV, ...env } });
}

/** User and system time of a process so far, in ms. */
function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return 10 * (Number(user) + Number(system)); // ticks of 10 ms
}

const DEAF_PEER = `
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listening")
connection, _ = server.accept()
connection.shutdown(socket.SHUT_RD)
connection.sendall(b"ready\\n")
sys.stdin.readline()
connection.sendall(b"last\\n")
connection.close()
`;

describe("get", () => {
  test("writes the body to stdout, byte for byte as curl", () => {
    const url = `${nginx.origin}/large`;
    const { code, output, errors } = run(["get", url]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    const curl = spawnSync("curl", ["-s", url], { maxBuffer: 64 * 1024 * 1024 });
    expect(output.equals(curl.stdout)).toBe(true);
    expect(run(["get", `${server.origin}/bytes/2`, `${server.origin}/bytes/3`]).text).toBe("01012");
  });

  test("sends headers, data and methods", () => {
    const seen = JSON.parse(run(["get", `${server.origin}/echo`, "-H", "X-A: b c", "-d", "x=1"]).text);
    expect([seen.method, seen.body.text, seen.rawHeaders.includes("b c")]).toEqual(["POST", "x=1", true]);
    expect(seen.rawHeaders).toContain("application/x-www-form-urlencoded");
    const put = JSON.parse(run(["get", `${server.origin}/echo`, "-X", "PUT", "-d", "@-"], "from stdin").text);
    expect([put.method, put.body.text]).toEqual(["PUT", "from stdin"]);
    const included = run(["get", "-i", `${server.origin}/bytes/3`]).text;
    expect(included).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+: .+\r\n)+\r\n012$/i);
  });

  test("writes into a file, and resumes where it ends", () => {
    const file = join(temporaryFolder(), "large");
    const url = `${nginx.origin}/large`;
    const whole = readFileSync(join(nginx.files, "large"));
    writeFileSync(file, whole.subarray(0, 1_234_567));
    expect(run(["get", url, "-o", file, "--continue"])).toMatchObject({ code: 0, errors: "" });
    expect(readFileSync(file).equals(whole)).toBe(true);
    expect(run(["get", url, "-o", file, "--continue"])).toMatchObject({ code: 0 }); // it is complete
    expect(readFileSync(file).equals(whole)).toBe(true);
    // A server without support for ranges: starts from the beginning.
    writeFileSync(file, "something longer than the answer");
    expect(run(["get", `${server.origin}/bytes/10`, "-o", file, "--continue"])).toMatchObject({ code: 0 });
    expect(readFileSync(file, "utf8")).toBe("0123456789");
  });

  test("downloads a file again that was modified on the server after its last write here", () => {
    const file = join(temporaryFolder(), "changed");
    const url = `${nginx.origin}/large`;
    const whole = readFileSync(join(nginx.files, "large"));
    writeFileSync(file, Buffer.alloc(1000, "old"));
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    expect(run(["get", url, "-o", file, "--continue"])).toMatchObject({ code: 0, errors: "" });
    expect(readFileSync(file).equals(whole)).toBe(true);
  });

  test.each<[string, (whole: Buffer) => Buffer]>([
    ["other bytes at its end", (whole) => Buffer.concat([whole.subarray(0, 2000), Buffer.from("other")])],
    ["more bytes than on the server", (whole) => Buffer.concat([whole, Buffer.alloc(20_000)])],
    ["more bytes, up to 16 KiB", (whole) => Buffer.concat([whole, Buffer.from("more")])],
  ])("downloads a file again that has %s", (_name, old) => {
    const file = join(temporaryFolder(), "other");
    const whole = readFileSync(join(nginx.files, "large"));
    writeFileSync(file, old(whole));
    expect(run(["get", `${nginx.origin}/large`, "-o", file, "--continue"])).toMatchObject({ code: 0, errors: "" });
    expect(readFileSync(file).equals(whole)).toBe(true);
  });

  test("shows a bar on a terminal, and the file is whole", () => {
    const file = join(temporaryFolder(), "with bar");
    // More than half a second passes between the head and the end.
    const url = `${server.origin}/slow?body=1500`;
    const python = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    const done = spawnSync("/usr/bin/python3", ["-c", python, process.execPath, COMMAND, "get", url, "-o", file], {
      input: "",
      env: { ...process.env, ...ENV },
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    expect(done.status).toBe(0);
    // A chunked body: its length is unknown. The line is rewritten in place, and ended.
    expect(String(done.stdout)).toMatch(/^(\r10 B, [\d.]+ B\/s *)+\r\n$/);
    expect(readFileSync(file, "utf8")).toBe("first last");
    const silent = spawnSync(
      "/usr/bin/python3",
      ["-c", python, process.execPath, COMMAND, "get", "-s", url, "-o", file],
      {
        input: "",
        env: { ...process.env, ...ENV },
        timeout: 60_000,
        killSignal: "SIGKILL",
      },
    );
    expect([silent.status, String(silent.stdout)]).toEqual([0, ""]);
  });

  test.each<[string, () => string[], number, RegExp]>([
    ["no URL", () => ["get"], 2, /needs a URL/],
    ["an unknown option", () => ["get", "--wibble", "http://localhost/"], 2, /wibble/],
    ["an invalid URL", () => ["get", "ftp://localhost/"], 2, /http/],
    ["a name that does not exist", () => ["get", "http://name.invalid/"], 6, /ENOTFOUND|EAI_AGAIN/],
    ["no server", () => ["get", `http://127.0.0.1:${closedPort()}/`], 7, /ECONNREFUSED/],
    ["a status of 404", () => ["get", `${server.origin}/status/404`], 22, /404/],
    // The error of a time that ends before the networking thread has started.
    ["no time at all", () => ["get", "-t", "0", `${server.origin}/late`], 28, /ERR_WORKER_START/],
    ["no time", () => ["get", "-t", "3", `${server.origin}/late`], 28, /ETIMEDOUT/],
    ["an unknown authority", () => ["get", `${secure.origin}/bytes/3`], 35, /UNABLE_TO_VERIFY/],
    ["endless authorities", () => ["get", `${secure.origin}/bytes/3`, "--ca", "/dev/zero"], 35, /not a regular file/],
    ["an endless key", () => ["connect", "/nowhere", "--tls", "--key", "/dev/zero"], 23, /--key \/dev\/zero .*bytes/],
    ["endless data", () => ["get", "http://localhost/", "-d", "@/dev/zero"], 23, /--data \/dev\/zero .*bytes/],
    ["data that is not there", () => ["get", "http://localhost/", "-d", "@/nowhere/file"], 23, /--data .*ENOENT/],
    ["a missing certificate", () => ["listen", "0", "--cert", "/nowhere/cert"], 23, /--cert .*ENOENT/],
    ["a folder that is not there", () => ["get", `${server.origin}/bytes/3`, "-o", "/nowhere/file"], 23, /ENOENT/],
  ])("%s has an exit code of its own", (_name, args, code, message) => {
    const outcome = run(args());
    expect(outcome.code).toBe(code);
    expect(outcome.errors).toMatch(message);
    expect(outcome.errors).not.toContain("    at ");
  });

  test("a server's words and the password do not get to the terminal", () => {
    const peer = startPeer("greeter", { text: "HTTP/1.1 404 No\x1b[31m\x07\r\nContent-Length: 0\r\n\r\n" });
    const url = `http://user:secret@127.0.0.1:${peer.port}/a`;
    const expected = `404 No\\x1b[31m\\x07: http://127.0.0.1:${peer.port}/a\n`;
    expect(run(["get", url])).toMatchObject({ code: 22, errors: `ringnet: ${expected}` });
    expect(run(["get", "https://localhost/", "--proxy", url]).errors).toContain("404 No\\x1b[31m\\x07\n");
    const nameless = run(["get", "-O", `http://user:secret@127.0.0.1:${peer.port}/`]);
    expect(nameless).toMatchObject({ code: 2, errors: expect.not.stringContaining("secret") });
  });

  test("-O takes the name from the end of the path, as far as it can be a file's", () => {
    const folder = temporaryFolder();
    const urls = ["b%20c", "..%2f..%2fd", "%ff", "a%1bb", "..%5cb"].map((name) => `${server.origin}/bytes/3/${name}`);
    const outcome = run(["get", "-O", ...urls, server.origin], "", {}, folder);
    expect(outcome.errors.match(/has no name for a file at its end/g)?.length).toBe(3);
    expect(readdirSync(folder).sort()).toEqual(["%ff", "b c", "d"]);
  });

  test("-o writes into a FIFO", () => {
    const fifo = join(temporaryFolder(), "fifo");
    const script = 'mkfifo "$0" && { cat "$0" & "$@"; wait; }';
    const args = [process.execPath, COMMAND, "get", `${server.origin}/bytes/3`, "-o", fifo];
    const done = spawnSync("sh", ["-c", script, fifo, ...args], { env: { ...process.env, ...ENV }, timeout: 60_000 });
    expect([String(done.stdout), String(done.stderr)]).toEqual(["012", ""]);
  });

  test("a URL needs no scheme, whatever its query", () => {
    expect(run(["get", `127.0.0.1:${server.port}/echo?a=http://b`]).text).toContain("/echo?a=http://b");
  });

  test("a 404 leaves the file unchanged", () => {
    const file = join(temporaryFolder(), "file");
    expect(run(["get", `${server.origin}/status/404`, "-o", file]).code).toBe(22);
    expect(existsSync(file)).toBe(false);
  });

  test("fetches over HTTPS, with an authority and through a proxy", () => {
    const args = ["get", `${secure.origin}/bytes/3`, "--ca", authority.certPath];
    expect(run(args).text).toBe("012");
    expect(run([...args, "--proxy", startSquid().origin]).text).toBe("012");
    expect(run(["get", "-k", `${secure.origin}/bytes/3`]).text).toBe("012");
  });
});

describe("connect", () => {
  test("carries stdin to nc, and what nc sends to stdout", () => {
    const { process: netcat, port } = startNetcat();
    const client = start(["connect", "127.0.0.1", `${port}`]);
    client.send("hello\n");
    netcat.waitForOutput(/hello\n/, 30_000);
    netcat.send("good day\n");
    client.waitForOutput(/good day\n/, 30_000);
    client.send("more\n");
    netcat.waitForOutput(/more\n/, 30_000);
    netcat.kill();
    client.waitForExit(30_000);
    expect([client.output, client.errors]).toEqual(["good day\n", ""]);
  });

  test("sends all of stdin, half-closes, and prints until the peer ends", () => {
    const { port } = startPeer("echo");
    const bytes = Buffer.alloc(5_000_000, "0123456789abcdef");
    const [input, received] = ["input", "received"].map((name) => join(temporaryFolder(), name));
    writeFileSync(input as string, bytes);
    // Through a pipe of the shell's: Deno's spawnSync writes all of `input` before it reads output.
    const pipe = 'cat "$0" | "$@" > "$RECEIVED"; echo "code $?"';
    const command = [input as string, ...fileCommand(COMMAND, "connect", "127.0.0.1", port)];
    const shell = new Process("sh", ["-c", pipe, ...command], { env: { ...ENV, RECEIVED: received } });
    shell.waitForOutput(/^code 0$/m, 60_000);
    expect(shell.errors).toBe("");
    expect(readFileSync(received as string).equals(bytes)).toBe(true);
  });

  test("verifies the server over TLS", () => {
    const { cert, key } = identity;
    const { port } = startPeer("echo", { tls: { cert, key } });
    const args = ["connect", "localhost", `${port}`, "--tls"];
    expect(run([...args, "--ca", authority.certPath], "secret\n")).toMatchObject({ code: 0, text: "secret\n" });
    expect(run(args, "secret\n")).toMatchObject({ code: 35, text: "" });
  });

  test("sleeps after a refused write while more is typed, prints what still arrives, and fails", () => {
    const path = join(temporaryFolder(), "socket");
    // A Unix domain socket refuses writes once its peer has shut down reading, and stays open.
    const peer = new Process("/usr/bin/python3", ["-uc", DEAF_PEER, path]);
    peer.waitForOutput(/listening/, 30_000);
    const client = start(["connect", path], { NODE_DEBUG: "ringnet" });
    client.waitForOutput(/ready/, 30_000);
    client.send("refused\n");
    client.waitUntil("the refusal", () => client.errors.includes("write failed"), 30_000);
    client.send("typed later\n");
    const before = cpuTime(client.pid);
    pause(400);
    expect(cpuTime(client.pid) - before).toBeLessThan(200);
    peer.send("end\n");
    client.waitForExit(30_000);
    expect(client.output).toBe("ready\nlast\n");
    expect(client.errors).toContain("ringnet: EPIPE");
  });

  test("fails if the port refuses", () => {
    expect(run(["connect", "127.0.0.1", `${closedPort()}`])).toMatchObject({ code: 7 });
  });
});

describe("listen", () => {
  test("serves one nc", () => {
    const port = closedPort();
    const listener = start(["listen", "127.0.0.1", `${port}`, "-v"]);
    listener.waitUntil("listening", () => /listening on port/.test(listener.errors), 30_000);
    const nc = spawnSync("nc", ["-N", "127.0.0.1", `${port}`], {
      input: "hello\n",
      timeout: 20_000,
      stdio: ["pipe", "ignore", "ignore"],
    });
    expect(nc.error).toBeUndefined();
    listener.waitForOutput(/hello\n/, 30_000);
    listener.waitForExit(30_000);
  });

  test("serves openssl's client over TLS", () => {
    const port = closedPort();
    const listener = start([
      "listen",
      "127.0.0.1",
      `${port}`,
      "-v",
      "--cert",
      identity.certPath,
      "--key",
      identity.keyPath,
    ]);
    listener.waitUntil("listening", () => /listening on port/.test(listener.errors), 30_000);
    const args = [
      "s_client",
      "-quiet",
      "-verify_return_error",
      "-CAfile",
      authority.certPath,
      "-connect",
      `localhost:${port}`,
    ];
    const client = new Process("openssl", [...args, "-servername", "localhost"]);
    client.send("from openssl\n");
    listener.waitForOutput(/from openssl\n/, 30_000);
    listener.send("from ringnet\n");
    client.waitForOutput(/from ringnet\n/, 30_000);
    expect(listener.output).toBe("from openssl\n");
    client.kill();
  });
});

test("repl: defines the package's functions, which block", () => {
  const outcome = run(
    ["repl"],
    `fetch("${server.origin}/bytes/5", { timeout: 10000 }).text()\ntypeof net + typeof connect\n.exit\n`,
  );
  expect(outcome.text).toContain("'01234'");
  expect(outcome.text).toContain("'objectfunction'");
});

test("doctor: prints its checks, and exits with 0 if they pass", () => {
  const { code, text, errors } = run(["doctor"]);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  for (const name of [
    "ringnet",
    "node",
    "thread",
    "round trip",
    "localhost",
    "certificates",
    "proxies",
    "descriptors",
  ]) {
    expect(text).toMatch(new RegExp(`^${name}: +\\S`, "m"));
  }
  expect(text).toContain(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
});

test.each([
  ["/dev/zero", "is not a regular file"],
  ["/nowhere/certificates", "ENOENT"],
])("doctor: reports NODE_EXTRA_CA_CERTS=%s", (path, reason) => {
  const { code, text } = run(["doctor"], "", { NODE_EXTRA_CA_CERTS: path });
  expect(code).toBe(1);
  expect(text).toMatch(new RegExp(`^certificates: +FAILED: NODE_EXTRA_CA_CERTS ${path} .*${reason}`, "m"));
});

// Node 20 itself reads that file before it runs a program.
const major = Number.parseInt(process.versions.node, 10);

test.each(major >= 22 ? ["a FIFO"] : [])("doctor: %s in NODE_EXTRA_CA_CERTS is not read", () => {
  const path = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [path]);
  const { code, text } = run(["doctor"], "", { NODE_EXTRA_CA_CERTS: path });
  expect(code).toBe(1);
  expect(text).toMatch(/^certificates: +FAILED: .* is not a regular file/m);
});

test("prints its usage without a command", () => {
  expect(run([])).toMatchObject({ code: 2, text: expect.stringContaining("usage: ringnet get") });
  expect(run(["--help"])).toMatchObject({ code: 0 });
  expect(run(["wibble"])).toMatchObject({ code: 2, errors: expect.stringContaining("unknown command wibble") });
});
