/**
 * Runs a Lua program on ringnet: `node examples/lua/run.js fetch-all.lua localhost 8080 / /robots.txt`.
 */

import { readFileSync } from "node:fs";
import { createLuaNet } from "./lua-net.js";

const read = (name) => readFileSync(new URL(name, import.meta.url));
const [program = "fetch-all.lua", host = "localhost", port = "80", ...paths] = process.argv.slice(2);

const vm = await createLuaNet();
for (const name of ["scheduler", "http"]) vm.preload(name, read(`${name}.lua`));
vm.run(program, read(program), host, Number(port), ...(paths.length > 0 ? paths : ["/"]));
vm.close();
