/**
 * `wasi:http` of preview2-shim, for `--map 'wasi:http/*=ringnet/wasi/http#*'`.
 *
 * Runs on the calling thread.
 */

import { http } from "@bytecodealliance/preview2-shim";
import type { IoError } from "./error-codes.js";
import { adopt, errorCodeFunction, type Interface } from "./preview2.js";

const errorCode = errorCodeFunction(http.types.httpErrorCode);

/** `http-error-code`: undefined unless the error is one of the WIT's variants. */
function httpErrorCode(error: IoError): unknown {
  const code = errorCode(error) as { tag?: string } | undefined;
  return code?.tag === undefined ? undefined : code;
}

export const types: Interface = { ...adopt(http.types as unknown as Interface), httpErrorCode };
export const outgoingHandler: Interface = adopt(http.outgoingHandler as unknown as Interface);
