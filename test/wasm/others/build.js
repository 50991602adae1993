/** Builds Lua with LuaSocket, and hiredis' tests, by Debian's emscripten, unmodified. */

import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./sources.js";

const LUA = "lua-5.1.5/src";
const SOCKET = "luasocket-3.1.0/src";
const HIREDIS = "hiredis-0.14.1";
const COMMON = ["-w", "-sWASM_ASYNC_COMPILATION=0", "-sALLOW_MEMORY_GROWTH", "-sENVIRONMENT=node", "-sEXIT_RUNTIME"];

function emcc(cache, root, args) {
  const sockets = [join(root, "emscripten.c"), "--js-library", join(root, "emscripten.js")];
  // Debian's emscripten looks for its JavaScript modules beside Debian's own Node.
  run("emcc", [...args, ...COMMON, ...sockets], cache, { NODE_PATH: process.env.NODE_PATH ?? "/usr/share/nodejs" });
}

export function buildLua(cache, root) {
  if (existsSync(join(cache, "lua.cjs"))) return;
  const tree = join(cache, "tree");
  mkdirSync(join(tree, "lua/socket"), { recursive: true });
  for (const name of ["socket", "mime", "ltn12", "mbox"])
    cpSync(join(cache, SOCKET, `${name}.lua`), join(tree, `lua/${name}.lua`));
  for (const name of ["http", "url", "tp", "ftp", "headers", "smtp"]) {
    cpSync(join(cache, SOCKET, `${name}.lua`), join(tree, `lua/socket/${name}.lua`));
  }
  cpSync(join(cache, "luasocket-3.1.0/test"), tree, { recursive: true });
  const lua = readdirSync(join(cache, LUA)).filter(
    (name) => /\.c$/.test(name) && !/^(luac|print|linit)\.c$/.test(name),
  );
  const socket =
    "auxiliar buffer compat except inet io luasocket mime options select tcp timeout udp usocket unix unixdgram unixstream";
  emcc(cache, root, [
    "-O2",
    "-DLUASOCKET_DEBUG",
    `-I${LUA}`,
    join(root, "test/wasm/others/lua-libraries.c"),
    ...lua.map((name) => join(LUA, name)),
    ...socket.split(" ").map((name) => join(SOCKET, `${name}.c`)),
    "--embed-file",
    "tree@/",
    "-o",
    "lua.cjs",
  ]);
}

export function buildHiredis(cache, root) {
  if (existsSync(join(cache, "hiredis.cjs"))) return;
  const files = "test hiredis net read sds alloc async".split(" ").map((name) => join(HIREDIS, `${name}.c`));
  emcc(cache, root, ["-O1", `-I${HIREDIS}`, ...files, "-sFORCE_FILESYSTEM", "-o", "hiredis.cjs"]);
}
