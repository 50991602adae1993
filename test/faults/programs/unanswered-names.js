/**
 * Looks up names without an answer, and does other things meanwhile: `node unanswered-names.js <echo port> <answered name>`.
 */

import { connect, resolve } from "ringnet";
import { say } from "./say.js";

const [port, answered] = [Number(process.argv[2]), process.argv[3]];

function outcomeOf(call) {
  const start = performance.now();
  let result;
  try {
    result = call();
  } catch (error) {
    result = error.code;
  }
  return { result, milliseconds: performance.now() - start };
}

const echo = connect({ host: "127.0.0.1", port, timeout: 5000 });
const names = Array.from({ length: 16 }, (_, i) => resolve(`never-${i}.example`));
say("asked", {
  wait: outcomeOf(() => names[0].waitUntilResolved(300)),
  connect: outcomeOf(() => connect({ host: "never.example", port, timeout: 300 })),
  waitingAddress: outcomeOf(() => connect({ host: names[1], port, timeout: 300 })),
  close: outcomeOf(() => names[2].close()),
});
say("others", {
  open: outcomeOf(() => {
    echo.writeAll("still there", 5000);
    return String(echo.readExactly(11, 5000));
  }),
  ip: outcomeOf(() => connect({ host: "127.0.0.1", port, timeout: 5000 }).status),
});
say("names", {
  local: outcomeOf(() => resolve("localhost").waitUntilResolved(5000)),
  connect: outcomeOf(() => connect({ host: "localhost", port, timeout: 5000 }).status),
  answered: outcomeOf(() => {
    const address = resolve(answered);
    address.waitUntilResolved(5000);
    return address.ip;
  }),
});
