/**
 * `npm run test:wasm`: third-party programs and test suites in WebAssembly, built from source, against stock servers. Needs Debian's
 * packages emscripten and redis-server, iproute2 and root (a network namespace of its own for LuaSocket, which connects to a private
 * address to test a time-out). Some minutes, most of them compiling and fetching, for the first run. `docs/wasm.md` has the results.
 */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildClient, buildCurl, buildHiredis, buildLua, buildRedisClient } from "./build.js";
import { fetchSources } from "./sources.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const cache = join(root, ".cache/wasm");
const LIMIT = { encoding: "utf8", timeout: 240_000 };
const results = [];
const wanted = process.argv.slice(2);

function suite(name, run) {
  if (wanted.length > 0 && !wanted.some((each) => name.includes(each))) return;
  console.log(name);
  let outcome;
  try {
    outcome = run();
  } catch (error) {
    outcome = { passed: false, note: error.message };
  }
  results.push({ name, ...outcome });
}

/** Runs one of LuaSocket's Lua scripts in a network namespace of its own. `before` is a shell command. */
function lua(script, before = "true") {
  const program = 'ip link set lo up; eval "$1"; exec node ../lua.cjs "$0"';
  const done = spawnSync("unshare", ["-n", "sh", "-c", program, script, before], {
    ...LIMIT,
    cwd: join(cache, "tests"),
  });
  return {
    passed: done.status === 0,
    note: (done.stdout + done.stderr)
      .trim()
      .split("\n")
      .findLast((line) => /\w/.test(line)),
  };
}

/** Starts a program and waits until `ready` succeeds; ends it after `use`. */
async function beside(command, args, ready, use) {
  const child = spawn(command, args, { stdio: "ignore" });
  try {
    for (let tries = 0; tries < 100 && spawnSync("sh", ["-c", ready]).status !== 0; tries++) await pause(100);
    use();
  } finally {
    child.kill();
  }
}

mkdirSync(cache, { recursive: true });
fetchSources(
  cache,
  [
    { source: "lua5.1", archive: "lua5.1_5.1.5.orig.tar.gz", folder: "lua-5.1.5" },
    { source: "lua-socket", archive: "luasocket_3.1.0.orig.tar.gz", folder: "luasocket-3.1.0" },
    { source: "redis", archive: "redis_7.0.15.orig.tar.gz", folder: "redis-7.0.15" },
    { source: "curl", archive: "curl_7.88.1.orig.tar.gz", folder: "curl-7.88.1" },
    { source: "hiredis", archive: "hiredis_0.14.1.orig.tar.gz", folder: "hiredis-0.14.1" },
  ],
  ["pyodide", "@php-wasm/node"],
);
buildLua(cache, root);
buildHiredis(cache, root);
buildRedisClient(cache, root);
buildCurl(cache, root);
buildClient(cache, root);
for (const name of ["pyodide.mjs", "php.mjs"]) copyFileSync(join(here, name), join(cache, name));

suite("a program that does not call malloc", () => {
  const { stderr } = spawnSync("node", ["client.cjs", "1"], { ...LIMIT, cwd: cache });
  return { passed: stderr === "connect: Connection refused\n", note: stderr.trim() };
});

const SERVER = "node ../lua.cjs testsrvr.lua >server.log 2>&1 & sleep 2";
suite("LuaSocket testsrvr and testclnt", () => lua("testclnt.lua", SERVER));
const LUA_TESTS = "excepttest ltn12test mimetest stufftest test_bind test_getaddrinfo test_socket_error urltest";
for (const name of LUA_TESTS.split(" ")) suite(`LuaSocket ${name}`, () => lua(`${name}.lua`));

const path = join(cache, "redis.sock");
const redis = [
  "--port",
  "7379",
  "--bind",
  "127.0.0.1",
  "--save",
  "",
  "--unixsocket",
  path,
  "--enable-debug-command",
  "yes",
];
await beside("redis-server", redis, "redis-cli -p 7379 ping", () => {
  suite("redis-cli", () => {
    const cli = (input, ...args) =>
      spawnSync("node", ["redis-cli.cjs", "-p", "7379", ...args], { ...LIMIT, cwd: cache, input }).stdout.trim();
    const commands = Array.from({ length: 20_000 }, (_, i) => `SET key${i} value${i}\r\n`).join("");
    const answers = [
      cli("", "set", "a", "1"),
      cli("", "incr", "a"),
      cli(commands, "--pipe"),
      cli("", "get", "key19999"),
    ];
    const wanted = [/^OK$/, /\b2$/, /errors: 0, replies: 20000$/, /\bvalue19999\b/];
    return { passed: wanted.every((pattern, i) => pattern.test(answers[i])), note: JSON.stringify(answers) };
  });
  suite("hiredis test.c", () => {
    const args = ["hiredis.cjs", "-h", "127.0.0.1", "-p", "7379", "-s", path];
    const { stdout } = spawnSync("node", args, { ...LIMIT, cwd: cache });
    const count = (pattern) => stdout.match(pattern)?.length ?? 0;
    // The test does not expect the message of musl's gai_strerror.
    const failed = stdout.split("\n").filter((line) => /FAILED/.test(line) && /^#/.test(line));
    const passed = failed.length === 1 && /host cannot be resolved/.test(failed[0]);
    return { passed, note: `${count(/PASSED/g)} passed, failed: ${failed.join(" ")}` };
  });
});

const servers = `
  require("node:net").createServer({ allowHalfOpen: true }, (s) => s.on("error", () => {}).pipe(s)).listen(7380, "127.0.0.1");
  require("node:http").createServer((_, r) => r.end("x".repeat(100000))).listen(7381, "127.0.0.1");
  const bytes = require("node:crypto").randomBytes(50_000_000);
  require("node:http").createServer((q, r) => {
    const parts = [];
    q.on("data", (part) => parts.push(part));
    q.on("end", () => r.end(q.method === "PUT" ? Buffer.concat(parts).equals(bytes) + "" : bytes));
  }).listen(7382, "127.0.0.1");`;
await beside("node", ["-e", servers], "nc -z 127.0.0.1 7382", () => {
  const program = (name) => execFileSync("node", [name, "7380", "7381"], { ...LIMIT, cwd: cache }).trim();
  suite("examples/luasocket", () => {
    const script = "../../examples/luasocket/fetch.lua";
    const urls = ["http://localhost:7381/", "http://127.0.0.1:1/"];
    const { stdout } = spawnSync("node", ["lua.cjs", script, "localhost:7380", ...urls], { ...LIMIT, cwd: cache });
    const wanted = [
      [urls[0], 200, 100_000],
      [urls[1], "connection refused", "nil"],
      ["localhost:7380", "hello"],
      ["localhost:7380", "nil", "closed"],
    ];
    return { passed: stdout === wanted.map((line) => `${line.join("\t")}\n`).join(""), note: stdout.trim() };
  });
  suite("curl, 50 MB down and up", () => {
    const [file, url] = ["/tmp/file", "http://localhost:7382/"];
    const args = ["curl.cjs", "-sS", "-o", file, url, "--next", "-sS", "-T", file, url];
    const { stdout, stderr } = spawnSync("node", args, { ...LIMIT, cwd: cache });
    return { passed: stdout.trim() === "true", note: `the same bytes: ${stdout}${stderr}`.trim() };
  });
  suite("Pyodide socket, select, urllib", () => {
    const note = program("pyodide.mjs");
    return { passed: note === "[true,true,true,true,100000]", note };
  });
  suite("php-wasm fsockopen, file_get_contents, curl", () => {
    const note = program("php.mjs");
    return { passed: note === "[true,100000,true]", note };
  });
});

for (const { name, passed, note } of results) console.log(`${passed ? "passed" : "FAILED"}  ${name}: ${note}`);
const failures = results.filter(({ passed }) => !passed).length;
console.log(`${results.length - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 && results.length > 0 ? 0 : 1;
