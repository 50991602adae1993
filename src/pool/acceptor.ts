/**
 * The acceptor of a pool's server: listens, blocks until a client connects, and hands the connection to the server's
 * thread. It accepts only as many as the pool can take; the others wait on the networking thread.
 *
 * Runs on its own thread, whose networking thread has all of the pool's connections.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type ListenOptions, listen, NetError, type SocketToken, type TcpServer, TcpSocket } from "../main/index.js";
import { ACCEPT, END, ORDER, TAKEN } from "./acceptor-words.js";
import { type Fault, faultOf } from "./fault.js";

/** The data that the acceptor is started with. */
export interface AcceptorData {
  options: ListenOptions;
  words: Int32Array;
  /** Receives the tokens of connections whose thread has died. They are reset, or their peers would wait forever. */
  revocations: MessagePort;
  /** The most connections that may be taken at a time. */
  limit: number;
}

/** Messages to the server's thread. `drained` comes after the last token. */
export type AcceptorMessage =
  | { type: "bound"; port: number; address: string }
  | { type: "token"; token: SocketToken }
  | { type: "fault"; fault: Fault }
  | { type: "drained" };

/** The longest time until an order is noticed, in ms. */
const SLICE_MS = 100;

const { options, words, revocations, limit } = workerData as AcceptorData;
const port = parentPort as MessagePort;
const say = (message: AcceptorMessage): void => port.postMessage(message);

/**
 * A detached client; null if none came in time, if it has disconnected again, or after an error (`EMFILE`, …). Throws
 * if the server has failed.
 */
function nextClient(server: TcpServer): SocketToken | null {
  let socket: TcpSocket | null = null;
  try {
    if (server.waitUntilAcceptable(SLICE_MS)) socket = server.accept();
    return socket === null ? null : socket.detach();
  } catch (error) {
    socket?.close();
    if (!(error instanceof NetError) || error.code.startsWith("ERR_WORKER_")) throw error;
    say({ type: "fault", fault: faultOf(error) });
    return null;
  }
}

function revoke(): void {
  for (let next = receiveMessageOnPort(revocations); next !== undefined; next = receiveMessageOnPort(revocations)) {
    TcpSocket.revoke(next.message as SocketToken);
  }
}

function acceptUntilOrdered(server: TcpServer): void {
  while (Atomics.load(words, ORDER) === ACCEPT) {
    // partner: PoolServer.#order (store)
    revoke();
    const taken = Atomics.load(words, TAKEN); // partner: PoolServer.#serve (sub)
    if (taken >= limit) {
      Atomics.wait(words, TAKEN, taken, SLICE_MS); // partner: PoolServer.#serve (notify)
      continue;
    }
    const token = nextClient(server);
    if (token === null) continue;
    Atomics.add(words, TAKEN, 1); // partner: PoolServer.#serve (sub)
    say({ type: "token", token });
  }
}

function run(): void {
  let server: TcpServer;
  try {
    server = listen(options);
  } catch (error) {
    say({ type: "fault", fault: faultOf(error) });
    return;
  }
  say({ type: "bound", port: server.port, address: server.address });
  try {
    acceptUntilOrdered(server);
  } catch (error) {
    say({ type: "fault", fault: faultOf(error) });
  }
  server.close();
  say({ type: "drained" });
  for (let order = Atomics.load(words, ORDER); order !== END; order = Atomics.load(words, ORDER)) {
    // partner: PoolServer.#order (store)
    Atomics.wait(words, ORDER, order, SLICE_MS); // partner: PoolServer.#order (notify)
    revoke();
  }
  revoke(); // tokens that came with the order
}

run();
