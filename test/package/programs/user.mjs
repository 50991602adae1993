/**
 * A program of a user's that imports the package: every entry point, and what `require` gives, is the same code. `user.cjs` requires it.
 */

import { createRequire } from "node:module";
import * as ringnet from "ringnet";
import net, * as names from "ringnet/net";
import { exchange, expectSame } from "./exchange.cjs";

const require = createRequire(import.meta.url);
expectSame(ringnet, require("ringnet"));
expectSame(names, { default: net, ...require("ringnet/net") });
exchange(ringnet);
