/**
 * `ringnet get`: fetches URLs, to stdout or into files.
 *
 * Runs on the calling thread.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { createHttpClient, type HttpClient, type HttpResponse, type RequestOptions } from "../http/index.js";
import { CommandError, EXIT } from "./exit-code.js";
import { readFile, readStdin } from "./limited-file.js";
import { complain, writeAll } from "./output.js";
import { ProgressBar } from "./progress-bar.js";
import { tlsOf } from "./tls-arguments.js";

const HELP = `usage: ringnet get URL... [options]
  -o, --output FILE     write into FILE instead of stdout (one URL)
  -O, --remote-name     write into a file with the name at the end of the URL
      --continue        resume where the file ends, if the server can
  -H, --header "A: b"   add a header; may be given again
  -d, --data TEXT       send TEXT with POST; @FILE sends a file of at most 256 MiB, @- stdin
  -X, --request METHOD  the method
  -i, --include         show status and headers, too
  -k, --insecure        do not verify the server
      --ca FILE         trust the authorities in FILE instead of Node's
      --proxy URL       the proxy; "" for none
  -t, --timeout SECONDS for each URL as a whole
  -s, --silent          no progress
Exit codes: 0 done; 2 wrong arguments; 6 the name can't be resolved; 7 no connection; 22 a status of 400 or more;
23 a file can't be read or written; 28 timeout; 35 TLS; 56 the connection failed meanwhile.
`;

const OPTIONS = {
  output: { type: "string", short: "o" },
  "remote-name": { type: "boolean", short: "O" },
  continue: { type: "boolean" },
  header: { type: "string", short: "H", multiple: true },
  data: { type: "string", short: "d" },
  request: { type: "string", short: "X" },
  include: { type: "boolean", short: "i" },
  insecure: { type: "boolean", short: "k" },
  ca: { type: "string" },
  proxy: { type: "string" },
  timeout: { type: "string", short: "t" },
  silent: { type: "boolean", short: "s" },
  help: { type: "boolean", short: "h" },
} as const;

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** The most bytes at the end of a file that must be the same on the server to resume it. */
const TAIL_BYTES = 16384;

/** The most bytes of `--data`, which are kept in memory: a redirect may need them again. */
const DATA_BYTES = 256 * 1024 * 1024;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

/** Returns the exit code of the last failed URL, or 0. */
export function get(args: string[]): number {
  const { values, positionals: urls } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  if (urls.length === 0) throw new CommandError(EXIT.usage, `get needs a URL\n${HELP.trimEnd()}`);
  if (values.output !== undefined && urls.length > 1) throw new CommandError(EXIT.usage, "--output takes only one URL");
  if (values.continue && values.output === undefined && !values["remote-name"]) {
    throw new CommandError(EXIT.usage, "--continue needs a file: --output or --remote-name");
  }
  const options = requestOptions(values);
  const client = createHttpClient();
  let exitCode: number = EXIT.ok;
  for (const url of urls) {
    try {
      one(client, SCHEME.test(url) ? url : `http://${url}`, options, values);
    } catch (error) {
      const known = CommandError.of(error);
      complain(known.message);
      exitCode = known.exitCode;
    }
  }
  client.close();
  return exitCode;
}

function requestOptions(values: Values): RequestOptions {
  const body = values.data === undefined ? undefined : dataOf(values.data);
  const headers = (values.header ?? []).map((text): [string, string] => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new CommandError(EXIT.usage, `a header is "Name: value", not ${JSON.stringify(text)}`);
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
  if (body !== undefined && !headers.some(([name]) => name.toLowerCase() === "content-type")) {
    headers.push(["Content-Type", "application/x-www-form-urlencoded"]);
  }
  const method = values.request ?? (body === undefined ? "GET" : "POST");
  return {
    method,
    headers,
    tls: tlsOf(values),
    ...(body === undefined ? {} : { body }),
    ...(values.proxy === undefined ? {} : { proxy: values.proxy === "" ? null : values.proxy }),
    ...(values.timeout === undefined ? {} : { timeout: seconds(values.timeout) }),
  };
}

function dataOf(text: string): Uint8Array {
  if (!text.startsWith("@")) return Buffer.from(text);
  return text === "@-" ? readStdin("--data @-", DATA_BYTES) : readFile("--data", text.slice(1), DATA_BYTES);
}

/** The milliseconds of a text in seconds. Throws a usage error for anything else. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0) || text.trim() === "")
    throw new CommandError(EXIT.usage, `a time is a number of seconds, not ${JSON.stringify(text)}`);
  return value * 1000;
}

function one(client: HttpClient, url: string, options: RequestOptions, values: Values): void {
  const file = values.output ?? (values["remote-name"] ? remoteName(url) : null);
  const there = values.continue && file !== null ? thereOf(file) : null;
  const headers = options.headers as [string, string][];
  const ranged = there === null ? options : { ...options, headers: [...headers, range(there)] };
  const response = client.fetch(url, ranged);
  const { status } = response;
  if (there !== null && (status === 416 || (status === 206 && !isContinuation(response, there)))) {
    response.close();
    one(client, url, options, { ...values, continue: false });
    return;
  }
  if (status >= 400 && file !== null) {
    response.close();
    throw refused(response);
  }
  if (values.include) writeAll(1, Buffer.from(headOf(response), "latin1"));
  const resumed = status === 206 ? there : null;
  const descriptor = file === null ? 1 : openSync(file, there !== null ? "r+" : "w");
  try {
    receive(response, descriptor, file !== null, resumed, values.silent === true);
  } finally {
    if (file !== null) closeSync(descriptor);
  }
  if (status >= 400) throw refused(response);
}

function refused({ status, statusText, url }: HttpResponse): CommandError {
  return new CommandError(EXIT.status, `${status} ${statusText}: ${url}`);
}

function receive(
  response: HttpResponse,
  descriptor: number,
  isFile: boolean,
  resumed: There | null,
  silent: boolean,
): void {
  const first = resumed?.size ?? 0;
  let position = first;
  const isRegular = isFile && fstatSync(descriptor).isFile(); // not a FIFO or a device
  if (isRegular) ftruncateSync(descriptor, first);
  const bar =
    isFile && !silent && process.stderr.isTTY ? new ProgressBar((text) => writeAll(2, Buffer.from(text)), first) : null;
  const length = response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
  const total = length === null ? null : first - (resumed?.tail.length ?? 0) + Number(length);
  for (const piece of response) {
    if (isRegular) appendAt(descriptor, piece, position);
    else writeAll(descriptor, piece);
    position += piece.length;
    bar?.update(position, total);
  }
  bar?.finish(position, total);
}

function appendAt(descriptor: number, piece: Uint8Array, position: number): void {
  for (let offset = 0; offset < piece.length; ) {
    offset += writeSync(descriptor, piece, offset, piece.length - offset, position + offset);
  }
}

function headOf(response: HttpResponse): string {
  const { rawHeaders } = response;
  let text = `HTTP/1.1 ${response.status} ${response.statusText}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return `${text}\r\n`;
}

function remoteName(url: string): string {
  const { origin, pathname } = new URL(url);
  const name = basename(decoded(pathname));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a listing of the folder would send them to the terminal
  if (name === "" || name === "." || name === ".." || /[/\\\0-\x1f\x7f-\x9f]/.test(name)) {
    throw new CommandError(EXIT.usage, `${origin}${pathname} has no name for a file at its end; use --output`);
  }
  return name;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // not UTF-8
  }
}

/** What is there of a file to resume. */
interface There {
  readonly size: number;
  readonly modifiedMs: number;
  /** Its end, which the server must send again. */
  readonly tail: Buffer;
}

/** Null unless it is a regular file that is not empty. */
function thereOf(file: string): There | null {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size === 0) return null;
  const tail = Buffer.alloc(Math.min(found.size, TAIL_BYTES));
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, tail, 0, tail.length, found.size - tail.length);
  } finally {
    closeSync(descriptor);
  }
  return { size: found.size, modifiedMs: found.mtimeMs, tail };
}

function range({ size, tail }: There): [string, string] {
  return ["Range", `bytes=${size - tail.length}-`];
}

/**
 * Whether the rest of the same file follows: not modified since the last write here, and with the same bytes at the end of what is there,
 * which are consumed. A validator for If-Range would have to be kept beside the file. Throws if it is not the requested range.
 */
function isContinuation(response: HttpResponse, { size, modifiedMs, tail }: There): boolean {
  mustStartAt(response, size - tail.length);
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  if (modified > modifiedMs) return false; // never, if the header is missing or not a date
  for (let at = 0; at < tail.length; ) {
    response.waitUntilReadable();
    const bytes = response.peek();
    if (bytes === null) return false; // the server's file is shorter
    const expected = tail.subarray(at, at + bytes.length);
    if (!expected.equals(bytes.subarray(0, expected.length))) return false;
    response.consume(expected.length);
    at += expected.length;
  }
  return true;
}

function mustStartAt(response: HttpResponse, asked: number): void {
  const given = response.headers.get("content-range") ?? "";
  const start = /^bytes (\d+)-/.exec(given)?.[1];
  if (start !== undefined && Number(start) === asked) return;
  response.close();
  throw new CommandError(
    EXIT.transfer,
    `the server was asked for bytes from ${asked} on, and sends ${JSON.stringify(given)}`,
  );
}
