/**
 * The command `ringnet`: the package's functions from a shell.
 *
 * Runs on the calling thread. Each subcommand has its own file and returns the exit code.
 */

import { doctor } from "./doctor.js";
import { CommandError, EXIT } from "./exit-code.js";
import { get } from "./get.js";
import { connectCommand, listenCommand } from "./netcat.js";
import { complain } from "./output.js";
import { repl } from "./repl.js";

const USAGE = `usage: ringnet get URL... [options]      fetch over HTTP
       ringnet connect HOST PORT [options] connect stdin and stdout to a server
       ringnet listen [HOST] PORT [options] the same for the first client
       ringnet repl                       Node's REPL with net, connect, fetch and others
       ringnet doctor                     check whether the package works here
Each takes --help.
`;

const COMMANDS: Record<string, (args: string[]) => number | null> = {
  get,
  connect: connectCommand,
  listen: listenCommand,
  repl,
  doctor,
};

/** Runs a command line. The process ends with the exit code, unless the command keeps running (`repl`). */
export function main(args: string[]): void {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(USAGE);
    process.exitCode = name === undefined ? EXIT.usage : EXIT.ok;
    return;
  }
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new CommandError(EXIT.usage, `unknown command ${name}\n${USAGE.trimEnd()}`);
    process.exitCode = command(rest) ?? undefined;
  } catch (error) {
    const known = CommandError.of(error);
    complain(known.message);
    process.exitCode = known.exitCode;
  }
}
