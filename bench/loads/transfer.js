/** Bytes in one direction over one connection, as fast as they go: what download, upload, stream and TLS bulk share. */
import { command, RECEIVE, SEND } from "../peers/protocol.js";

/** @typedef {import("../contenders/contract.js").Connection} Connection */

/**
 * Bytes of the first, short transfer. Its speed decides the length of the second, which takes half of the time; the speed of the second
 * decides the length of the measured one. The first alone would mislead: code runs slowly until the just-in-time compiler has compiled it.
 */
const TRIAL = 4 << 20;
/** Most bytes of a measured transfer. */
const MOST = 8e9;

/** Transfers `length` bytes in pieces; returns bytes a second. An upload ends when the peer has everything.
 * @param {Connection} connection @param {boolean} upload @param {number} piece @param {number} length */
function transfer(connection, upload, piece, length) {
  const bytes = Buffer.alloc(piece);
  const start = performance.now();
  connection.send(command(upload ? RECEIVE : SEND, piece, length));
  if (upload) {
    for (let done = 0; done < length; done += piece) connection.send(bytes);
    connection.receive(bytes);
  } else {
    for (let done = 0; done < length; ) done += connection.receive(bytes);
  }
  return (length / (performance.now() - start)) * 1000;
}

/** The same with node:net's events.
 * @param {import("node:net").Socket} socket @param {boolean} upload @param {number} piece @param {number} length */
function transferByEvents(socket, upload, piece, length) {
  return new Promise((resolve) => {
    const start = performance.now();
    let left = upload ? 1 : length;
    socket.on("data", function count(bytes) {
      left -= bytes.length;
      if (left > 0) return;
      socket.off("data", count);
      resolve((length / (performance.now() - start)) * 1000);
    });
    socket.write(command(upload ? RECEIVE : SEND, piece, length));
    if (!upload) return;
    const bytes = Buffer.alloc(piece);
    let unsent = length;
    const write = () => {
      while (unsent > 0) {
        unsent -= piece;
        if (!socket.write(bytes)) return void socket.once("drain", write);
      }
    };
    write();
  });
}

/** A length in whole pieces that takes `seconds` at `rate`. @param {number} rate @param {number} seconds @param {number} piece */
const lengthFor = (rate, seconds, piece) => Math.max(1, Math.round(Math.min(MOST, rate * seconds) / piece)) * piece;

/** Bytes a second.
 * @param {Connection} connection @param {boolean} upload @param {number} piece @param {number} seconds */
export function measureTransfer(connection, upload, piece, seconds, trial = TRIAL) {
  let rate = transfer(connection, upload, piece, lengthFor(trial, 1, piece));
  for (const time of [seconds / 2, seconds]) rate = transfer(connection, upload, piece, lengthFor(rate, time, piece));
  return rate;
}

/** @param {import("node:net").Socket} socket @param {boolean} upload @param {number} piece @param {number} seconds */
export async function measureTransferByEvents(socket, upload, piece, seconds, trial = TRIAL) {
  let rate = await transferByEvents(socket, upload, piece, lengthFor(trial, 1, piece));
  for (const time of [seconds / 2, seconds]) {
    rate = await transferByEvents(socket, upload, piece, lengthFor(rate, time, piece));
  }
  return rate;
}

const PIECES = { "16KiB": 16 << 10, "64KiB": 64 << 10, "1MiB": 1 << 20 };

/** The loads `download` and `upload`. @param {boolean} upload @returns {import("../contenders/contract.js").Load} */
export function bulkLoad(upload) {
  const name = upload ? "upload" : "download";
  return {
    name,
    title: `${name}, one connection`,
    service: "bulk",
    metrics: Object.keys(PIECES).map((id) => ({
      id,
      label: `${name}, pieces of ${id.replace(/(?=[KM])/, " ")}`,
      unit: "B/s",
      better: "higher",
    })),
    blocking(run, contender) {
      const connection = contender.connect(run.host, run.port);
      return Object.fromEntries(
        Object.entries(PIECES).map(([id, piece]) => [id, measureTransfer(connection, upload, piece, run.seconds)]),
      );
    },
    async events(run, contender) {
      const socket = await contender.connect(run.host, run.port);
      /** @type {import("../contenders/contract.js").Result} */
      const result = {};
      for (const [id, piece] of Object.entries(PIECES)) {
        result[id] = await measureTransferByEvents(socket, upload, piece, run.seconds);
      }
      return result;
    },
  };
}
