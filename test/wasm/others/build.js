/** Builds Lua with LuaSocket, hiredis' tests, redis-cli and curl, all unmodified, and a program that does not allocate, by Debian's emscripten. */

import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./sources.js";

const HIREDIS = "hiredis-0.14.1";
const REDIS = "redis-7.0.15";
const CURL = "curl-7.88.1";
/** Debian's emscripten looks for its JavaScript modules beside Debian's own Node. */
const MODULES = { NODE_PATH: process.env.NODE_PATH ?? "/usr/share/nodejs" };
const COMMON = ["-w", "-sWASM_ASYNC_COMPILATION=0", "-sALLOW_MEMORY_GROWTH", "-sENVIRONMENT=node", "-sEXIT_RUNTIME"];

function emcc(cache, root, args) {
  const sockets = [join(root, "emscripten.c"), "--js-library", join(root, "emscripten.js")];
  run("emcc", [...args, ...COMMON, ...sockets], cache, MODULES);
}

export function buildLua(cache, root) {
  cpSync(join(cache, "luasocket-3.1.0/test"), join(cache, "tests"), { recursive: true });
  if (existsSync(join(cache, "lua.cjs"))) return;
  const recipe = join(root, "examples/luasocket/build.sh");
  run("sh", [recipe, "lua-5.1.5/src", "luasocket-3.1.0/src", "lua.cjs"], cache);
}

export function buildHiredis(cache, root) {
  if (existsSync(join(cache, "hiredis.cjs"))) return;
  const files = "test hiredis net read sds alloc async".split(" ").map((name) => join(HIREDIS, `${name}.c`));
  emcc(cache, root, ["-O1", `-I${HIREDIS}`, ...files, "-sFORCE_FILESYSTEM", "-o", "hiredis.cjs"]);
}

export function buildRedisClient(cache, root) {
  if (existsSync(join(cache, "redis-cli.cjs"))) return;
  const source = join(cache, REDIS, "src");
  run("sh", ["mkreleasehdr.sh"], source);
  // As redis' Makefile lists them, with what it takes from `deps`.
  const own =
    "anet adlist dict redis-cli zmalloc release ae redisassert crcspeed crc64 siphash crc16 monotonic cli_common mt19937-64";
  const files = [
    ...own.split(" ").map((name) => `src/${name}.c`),
    ..."alloc async hiredis net read sds".split(" ").map((name) => `deps/hiredis/${name}.c`),
    "deps/linenoise/linenoise.c",
  ].map((file) => join(REDIS, file));
  const folders = ["deps/hiredis", "deps/linenoise", "src", "deps/lua/src", "deps/hdr_histogram"]; // its own hiredis first
  const includes = folders.map((folder) => `-I${join(REDIS, folder)}`);
  emcc(cache, root, ["-O1", ...includes, ...files, "-sFORCE_FILESYSTEM", "-o", "redis-cli.cjs"]);
}

export function buildCurl(cache, root) {
  if (existsSync(join(cache, "curl.cjs"))) return;
  const folder = join(cache, CURL);
  const without = "ssl zlib libpsl brotli zstd libidn2 nghttp2".split(" ").map((name) => `--without-${name}`);
  const disable = "shared threaded-resolver ldap manual".split(" ").map((name) => `--disable-${name}`);
  const configure = ["./configure", "--host=wasm32-unknown-linux", ...without, ...disable, "CFLAGS=-O1 -w"];
  run("emconfigure", configure, folder, MODULES);
  run("emmake", ["make", "-C", "lib"], folder, MODULES);
  run("emmake", ["make", "-C", "src"], folder, MODULES);
  // Linked once more, with the sockets. `lib` also has the objects that curl itself shares with its library.
  const objects = ["src", "lib"].flatMap((name) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith(".o") && !file.startsWith("libcurl_la"))
      .map((file) => join(CURL, name, file)),
  );
  emcc(cache, root, ["-O1", ...objects, join(CURL, "lib/.libs/libcurl.a"), "-sFORCE_FILESYSTEM", "-o", "curl.cjs"]);
}

export function buildClient(cache, root) {
  if (existsSync(join(cache, "client.cjs"))) return;
  emcc(cache, root, ["-O2", join(root, "bench/wasm/client.c"), "-o", "client.cjs"]);
}
