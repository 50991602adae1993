/**
 * `wasi:filesystem` of preview2-shim, for `--map 'wasi:filesystem/*=ringnet/wasi/filesystem#*'`.
 *
 * Runs on the calling thread.
 */

import { filesystem } from "@bytecodealliance/preview2-shim";
import { adopt, errorCodeFunction, type Interface } from "./preview2.js";

export const types: Interface = {
  ...adopt(filesystem.types as unknown as Interface),
  filesystemErrorCode: errorCodeFunction(filesystem.types.filesystemErrorCode),
};
export const preopens: Interface = adopt(filesystem.preopens as unknown as Interface);

/** Types are the browser's, which has no host paths. */
const { createFilesystem } = filesystem as unknown as {
  createFilesystem(options: { preopens: Record<string, string> }): { preopens: Interface };
};

/** Other preopens: host paths by path of the guest, for `WASIShim`'s option `sandbox.preopens`. */
export function createPreopens(paths: Record<string, string>): Interface {
  return adopt(createFilesystem({ preopens: paths }).preopens);
}
