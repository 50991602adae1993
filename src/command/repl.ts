/**
 * `ringnet repl`: Node's REPL with the package at hand.
 *
 * Runs on the calling thread.
 */

import { start } from "node:repl";
import * as http from "../http/index.js";
import * as ringnet from "../main/index.js";

/** Returns null: the REPL keeps running in Node's event loop. */
export function repl(args: string[]): null {
  if (args.length > 0) {
    process.stdout.write(
      "usage: ringnet repl\nAt hand: net, connect, listen, bindUdp, resolve, poll, fetch, and the rest as ringnet and http.\n",
    );
    return null;
  }
  const { net, connect, listen, bindUdp, resolve, poll } = ringnet;
  const session = start({ prompt: "ringnet> ", useGlobal: false });
  const names = { net, connect, listen, bindUdp, resolve, poll, fetch: http.fetch, ringnet, http };
  Object.assign(session.context, names);
  session.on("reset", (context: object) => Object.assign(context, names));
  return null;
}
