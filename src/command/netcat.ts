/**
 * `ringnet connect` and `ringnet listen`: connect standard input and output to a peer.
 *
 * Runs on the calling thread.
 */

import { parseArgs } from "node:util";
import { connect, type Input, listen, openInput, poll, type TcpSocket } from "../main/index.js";
import { CommandError, EXIT } from "./exit-code.js";
import { seconds } from "./get.js";
import { writeAll } from "./output.js";
import { tlsOf } from "./tls-arguments.js";

const CONNECT_HELP = `usage: ringnet connect HOST PORT [options]
       ringnet connect PATH [options]   a Unix domain socket
      --tls              TLS, verified
      --ca FILE          trust the authorities in FILE instead of Node's
      --servername NAME  the name that the certificate must have
      --cert FILE, --key FILE  show a certificate
  -k, --insecure         do not verify the server
      --proxy URL        through a proxy: http://, https://, socks5:// or socks5h://
  -t, --timeout SECONDS  for connecting
`;
const LISTEN_HELP = `usage: ringnet listen [HOST] PORT [options]
       ringnet listen PATH [options]   a Unix domain socket
      --cert FILE, --key FILE  TLS with this certificate
  -k, --keep             go on with the next client when one has ended
  -v, --verbose          say the port and the clients on stderr
  -t, --timeout SECONDS  how long the first client is waited for
`;

const CONNECT = {
  tls: { type: "boolean" },
  ca: { type: "string" },
  servername: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  insecure: { type: "boolean", short: "k" },
  proxy: { type: "string" },
  timeout: { type: "string", short: "t" },
  help: { type: "boolean", short: "h" },
} as const;
const LISTEN = {
  cert: { type: "string" },
  key: { type: "string" },
  keep: { type: "boolean", short: "k" },
  verbose: { type: "boolean", short: "v" },
  timeout: { type: "string", short: "t" },
  help: { type: "boolean", short: "h" },
} as const;

const PIECE = 64 * 1024;

export function connectCommand(args: string[]): number {
  const { values, positionals } = parseArgs({ args, options: CONNECT, allowPositionals: true });
  if (values.help) return help(CONNECT_HELP);
  const [first, port, ...more] = positionals;
  if (first === undefined || more.length > 0) throw new CommandError(EXIT.usage, CONNECT_HELP.trimEnd());
  const where = port === undefined ? { path: first } : { host: first, port: portOf(port) };
  const { tls, proxy, timeout } = values;
  const wanted = tls || values.ca !== undefined || values.servername !== undefined || values.insecure;
  const socket = connect({
    ...where,
    tls: wanted ? tlsOf(values) : false,
    ...(proxy === undefined ? {} : { proxy }),
    timeout: timeout === undefined ? -1 : seconds(timeout),
  });
  relay(socket, openInput("stdin"));
  return EXIT.ok;
}

export function listenCommand(args: string[]): number {
  const { values, positionals } = parseArgs({ args, options: LISTEN, allowPositionals: true });
  if (values.help) return help(LISTEN_HELP);
  const [first, second, ...more] = positionals;
  if (first === undefined || more.length > 0) throw new CommandError(EXIT.usage, LISTEN_HELP.trimEnd());
  const where =
    second !== undefined
      ? { host: first, port: portOf(second) }
      : /^\d+$/.test(first)
        ? { port: portOf(first) }
        : { path: first };
  const tls = values.cert === undefined && values.key === undefined ? false : tlsOf(values);
  const server = listen({ ...where, tls });
  const say = (text: string): void => void (values.verbose && process.stderr.write(`${text}\n`));
  say(`listening on ${"path" in where ? where.path : `port ${server.port}`}`);
  const patience = values.timeout === undefined ? -1 : seconds(values.timeout);
  let input: Input | null = null;
  do {
    const socket = server.acceptWait(patience);
    const { remoteAddress, remotePort } = socket;
    say(`connection${remoteAddress === undefined ? "" : ` from ${remoteAddress} port ${remotePort}`}`);
    input ??= openInput("stdin");
    if (!values.keep) server.close();
    try {
      relay(socket, input);
    } catch (error) {
      if (!values.keep) throw error;
      say(`ended: ${(error as Error).message}`);
    }
  } while (values.keep);
  return EXIT.ok;
}

function help(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}

function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new CommandError(EXIT.usage, `a port is a number, not ${JSON.stringify(text)}`);
  return Number(text);
}

/**
 * Moves bytes both ways until the peer has ended. The end of the input ends only this side. Throws the connection's
 * error; if only sending has failed, after what the peer had sent was written to stdout.
 */
function relay(socket: TcpSocket, input: Input): void {
  const ended = input.waitUntilReadable(0) && input.readable === 0; // with an earlier client
  if (ended) socket.end();
  let sending: Sending = ended ? "ended" : "open";
  for (;;) {
    const blocked = sending === "open" && input.readable > 0;
    poll<TcpSocket | Input>(
      [{ handle: socket, readable: true, writable: blocked }, ...(sending === "open" && !blocked ? [input] : [])],
      -1,
    );
    const bytes = socket.read(PIECE);
    if (bytes === null) break;
    if (bytes.length > 0) writeAll(1, bytes);
    if (sending === "open") sending = forward(input, socket);
  }
  const { error } = socket;
  socket.close();
  if (sending === "refused" && error !== null) throw error;
}

type Sending = "open" | "ended" | "refused";

/** Sends typed bytes as far as there is room; ends this side at the end of the input. */
function forward(input: Input, socket: TcpSocket): Sending {
  if (socket.status === "failure") return "refused"; // the peer's bytes can still be read
  const { writable } = socket;
  if (writable === 0) return "open";
  const typed = input.read(Math.min(writable, PIECE));
  if (typed === null) {
    socket.end();
    return "ended";
  }
  try {
    socket.write(typed);
    return "open";
  } catch {
    return "refused"; // it has failed since
  }
}
