/**
 * `wasi:io`, for `--map 'wasi:io/*=ringnet/wasi/io#*'`.
 *
 * Runs on the calling thread.
 */

import { IoError } from "./error-codes.js";
import { Pollable, poll as pollList } from "./pollable.js";
import { InputStream, OutputStream } from "./streams.js";

/** Why a call on a stream failed. (The bundler of declarations takes a type that a namespace exports again for a value.) */
export type StreamError = import("./streams.js").StreamError;

/** `wasi:io/error`. */
export const error = { Error: IoError };

/** `wasi:io/poll`. */
export const poll = { Pollable, poll: pollList };

/** `wasi:io/streams`. */
export const streams = { InputStream, OutputStream };
