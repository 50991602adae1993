/**
 * A UDP peer in a process of its own: `node udp-peer.js '<options as JSON>'`, started by `startUdpPeer` in udp-peers.ts.
 * session.js says how it takes commands. Prints one line of JSON for each thing that happens.
 */

import { createHash } from "node:crypto";
import dgram from "node:dgram";
import { pattern } from "../../support/bytes.js";
import { serve } from "../../support/session.js";
import { fillNumbered, NumberedTally } from "./numbered.js";

serve((options, report) => {
  const { host, port = 0, echo = false, reply, tally = false, reuseAddr = false, receiveBuffer } = options;
  const { type = host?.includes(":") ? "udp6" : "udp4" } = options;
  const socket = dgram.createSocket({ type, reuseAddr, ...(receiveBuffer ? { recvBufferSize: receiveBuffer } : {}) });
  const numbers = new NumberedTally();
  const timers = new Set();
  let closed = false;
  socket.on("close", () => {
    closed = true;
  });

  socket.on("error", (error) => report("error", { code: error.code }));
  socket.on("message", (bytes, from) => {
    if (tally) {
      numbers.add(bytes);
      return;
    }
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const text = bytes.length <= 200 ? bytes.toString("latin1") : undefined;
    report("message", { bytes: bytes.length, sha256, text, address: from.address, port: from.port });
    if (echo) socket.send(bytes, from.port, from.address);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  socket.bind({ port, ...(host ? { address: host } : {}) }, () => {
    for (const { group, interface: local } of options.groups ?? []) socket.addMembership(group, local);
    report("listening", { port: socket.address().port });
  });

  /** Sends datagrams numbered from 0, as fast as the kernel takes them; `pace` is how many at a time in between turns of the event loop. */
  async function sendNumbered({ count, port, host, pace = 64, size }) {
    let sent = 0;
    let failed = 0;
    for (let next = 0; next < count && !closed; ) {
      const batch = [];
      for (let i = 0; i < pace && next < count && !closed; i++, next++) {
        const bytes = fillNumbered(next, size);
        batch.push(
          new Promise((done) =>
            socket.send(bytes, port, host, (error) => {
              if (error) failed++;
              else sent++;
              done();
            }),
          ),
        );
      }
      await Promise.all(batch);
    }
    report("sent", { sent, failed });
  }

  const commands = {
    send({ port, host, text, bytes, seed = 1, delay = 0 }) {
      const payload = text === undefined ? pattern(seed, 0, bytes) : Buffer.from(text);
      const send = () =>
        socket.send(payload, port, host, (error) => report("sent", { sent: error ? 0 : 1, code: error?.code }));
      if (delay === 0) send();
      else timers.add(setTimeout(send, delay));
    },
    numbered: sendNumbered,
    tally: () => report("tally", numbers.result),
    close: () => socket.close(() => report("closed")),
  };

  return {
    obey({ do: what, ...details }) {
      commands[what](details);
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      return closed ? undefined : new Promise((done) => socket.close(done));
    },
  };
});
