/** Makes dist/, which users get, of what tsc has compiled to build/. Run in the package's folder. */

import { rmSync } from "node:fs";
import { writeCode } from "./code.js";
import { writeExports } from "./exports.js";
import { writeTypes } from "./types.js";
import { writeWrappers } from "./wrappers.js";

rmSync("dist", { recursive: true, force: true });
writeWrappers("dist", await writeCode("dist/code"));
await writeTypes("dist/types");
writeExports();
