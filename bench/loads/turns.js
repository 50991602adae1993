/**
 * Requests of 64 bytes and their answers, one under way on each of many connections: what so many of them took, for each of
 * `run.numbers`. The connections of a number stay for the next one.
 */

const BYTES = 64;
/** So many connections to one address: fewer than there are local ports for it. */
const CONNECTIONS_TO_A_HOST = 20_000;

/** @typedef {{ done: number, wall: number, cpu: number }} Taken requests; seconds of time, and of CPU time of the process */

/** Starts to count. @returns {(done: number) => Taken} */
function taking() {
  const start = performance.now();
  const before = process.cpuUsage();
  return (done) => {
    const { user, system } = process.cpuUsage(before);
    return { done, wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
  };
}

/** Where the connection after `count` others goes. 127.0.0.5, then 127.0.1.5: on Linux they are all this machine. @param {string} host @param {number} count */
function hostAfter(host, count) {
  const network = Math.floor(count / CONNECTIONS_TO_A_HOST);
  return network === 0 ? host : host.replace(/\.\d+(\.\d+)$/, `.${network}$1`);
}

/**
 * By a contender with blocking calls.
 * @param {import("../contenders/contract.js").Run} run @param {import("../contenders/contract.js").BlockingContender} contender
 * @param {boolean} [warm] whether each connection is used once before
 * @returns {Map<number, Taken>} by the number of connections
 */
export function blockingTurns(run, contender, warm = false) {
  const watcher = contender.watch();
  const message = Buffer.alloc(BYTES);
  /** @type {import("../contenders/contract.js").Connection[]} */
  const connections = [];
  const result = new Map();
  for (const count of run.numbers) {
    while (connections.length < count) {
      const connection = contender.connect(hostAfter(run.host, connections.length), run.port);
      watcher.add(connection);
      connections.push(connection);
    }
    if (warm) exchange(0);
    result.set(count, exchange(run.seconds));
  }
  return result;

  /** At least one request on each connection. @param {number} seconds @returns {Taken} */
  function exchange(seconds) {
    const taken = taking();
    const end = performance.now() + seconds * 1000;
    let flying = connections.length;
    let done = 0;
    for (const connection of connections) connection.send(message);
    while (flying > 0) {
      const ready = watcher.wait(5000);
      if (ready.length === 0) throw new Error("no answer came");
      const now = performance.now();
      for (const connection of ready) {
        if (connection.tryRead(message) < BYTES) continue; // the answers are so small that they come whole
        done++;
        if (now < end) connection.send(message);
        else flying--;
      }
    }
    return taken(done);
  }
}

/**
 * By node:net's events.
 * @param {import("../contenders/contract.js").Run} run @param {import("../contenders/contract.js").EventContender} contender
 * @param {boolean} [warm] whether each connection is used once before
 * @returns {Promise<Map<number, Taken>>} by the number of connections
 */
export async function eventTurns(run, contender, warm = false) {
  const message = Buffer.alloc(BYTES);
  /** @type {import("node:net").Socket[]} */
  const sockets = [];
  const result = new Map();
  let done = 0;
  let flying = 0;
  let end = 0;
  let stopped = () => {};
  for (const count of run.numbers) {
    while (sockets.length < count) {
      const socket = await contender.connect(hostAfter(run.host, sockets.length), run.port);
      socket.on("data", (bytes) => {
        if (bytes.length < BYTES) return;
        done++;
        if (performance.now() < end) socket.write(message);
        else if (--flying === 0) stopped();
      });
      sockets.push(socket);
    }
    if (warm) await exchange(0);
    result.set(count, await exchange(run.seconds));
  }
  return result;

  /** At least one request on each connection. @param {number} seconds @returns {Promise<Taken>} */
  async function exchange(seconds) {
    const taken = taking();
    end = performance.now() + seconds * 1000;
    flying = sockets.length;
    done = 0;
    await new Promise((resolve) => {
      stopped = () => resolve(null);
      for (const socket of sockets) socket.write(message);
    });
    return taken(done);
  }
}
