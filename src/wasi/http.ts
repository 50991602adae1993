/**
 * `wasi:http` of preview2-shim, for `--map 'wasi:http/*=ringnet/wasi/http#*'`.
 *
 * Runs on the calling thread.
 */

import { http } from "@bytecodealliance/preview2-shim";
import { adopt, type Interface } from "./preview2.js";

export const types: Interface = adopt(http.types as unknown as Interface);
export const outgoingHandler: Interface = adopt(http.outgoingHandler as unknown as Interface);
