/**
 * The tasks of Piscina's threads: `serve` serves one connection with a user's handler, `run` calls a user's function.
 *
 * Runs on the pool's threads, which may block.
 */

import { type SocketToken, TcpSocket } from "../main/index.js";
import { type Fault, faultOf } from "./fault.js";
import { loadDefault } from "./handler-file.js";

/** The connection that is being served. */
let current: TcpSocket | null = null;

// If the handler ends the thread (`process.exit()`, an uncaught error), the peer must not see a clean end.
process.on("exit", () => current?.reset());

/** Serves one connection; returns the error that the handler has thrown, or null. */
export async function serve({ token, handler }: { token: SocketToken; handler: string }): Promise<Fault | null> {
  try {
    current = TcpSocket.attach(token);
    await (await loadDefault(handler))(current);
    current.close();
    return null;
  } catch (error) {
    current?.reset();
    return faultOf(error);
  } finally {
    current = null;
  }
}

/** A function's result, or the error it has thrown. */
export type Outcome = { value: unknown } | { fault: Fault };

export async function run({ file, data }: { file: string; data: unknown }): Promise<Outcome> {
  try {
    return { value: await (await loadDefault(file))(data) };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}
