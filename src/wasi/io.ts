/**
 * `wasi:io`, for `--map 'wasi:io/*=ringnet/wasi/io#*'`.
 *
 * Runs on the calling thread.
 */

import { IoError } from "./error-codes.js";
import { Pollable, poll as pollList } from "./pollable.js";
import { InputStream, OutputStream } from "./streams.js";

export type { StreamError } from "./streams.js";

/** `wasi:io/error`. */
export const error = { Error: IoError };

/** `wasi:io/poll`. */
export const poll = { Pollable, poll: pollList };

/** `wasi:io/streams`. */
export const streams = { InputStream, OutputStream };
