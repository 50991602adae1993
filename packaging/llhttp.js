/**
 * The bytes of llhttp as a module with a default export. undici's file has them as `module.exports`, which a bundler turns into an
 * object with a getter for each of the fifty thousand bytes: loading takes a quarter of a second then.
 */

import { readFileSync } from "node:fs";

export const llhttp = {
  name: "llhttp",
  load(id) {
    if (!id.endsWith("/llhttp-wasm.js")) return null;
    const text = /wasmBase64 = '([A-Za-z0-9+/=]+)'/.exec(readFileSync(id, "utf8"))?.[1];
    if (text === undefined) throw new Error(`${id} has no WebAssembly in it`);
    return `export default Buffer.from("${text}", "base64");\n`;
  },
};
