/**
 * Names with several addresses: attempts go on side by side until one connects (RFC 8305), and the caller's timeout is their bound.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { connectionsTo } from "../support/kernel.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { closedPort } from "../support/ports.js";
import { runProgram, startProgram } from "../support/programs.js";
import { waitFor } from "../support/waiting.js";

const SYN_SENT = "02";
const names = { "many.test": ["127.0.0.1", "127.0.0.9"] };

/** Attempts of this machine to connect to `port` over IPv4, including other processes' attempts. */
function attemptsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1);
  return lines.filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return remote?.endsWith(`:${hex}`) && state === SYN_SENT;
  }).length;
}

/** A port that does not answer, and how many attempts its own fillers make. */
function startStuck(): { port: number; fillers: number } {
  const { port } = startUnanswering();
  const fillers = waitFor("all fillers", () => attemptsTo(port) + connectionsTo(port) === 8 && attemptsTo(port));
  return { port, fillers };
}

test("an address that answers late wins although another has refused", () => {
  const late = startUnanswering("greeter");
  const program = startProgram(
    `import { connect } from "ringnet";
    const socket = connect({ host: "many.test", port: Number(process.argv[1]) });
    console.log("first", socket.waitUntilConnected(1000));
    console.log("then", socket.waitUntilConnected(20_000), socket.remoteAddress);
    socket.close();`,
    { args: [`${late.port}`], names },
  );
  expect(program.waitForOutput(/^first .*$/m)[0]).toBe("first waiting");
  late.answer();
  expect(program.waitForOutput(/^then .*$/m, 20_000)[0]).toBe("then success 127.0.0.1");
}, 40_000);

test("the caller's timeout is the bound, and no attempt outlives it", () => {
  const stuck = startStuck();
  const program = startProgram(
    `import { connect, poll } from "ringnet";
    const start = performance.now();
    try {
      connect({ host: "many.test", port: Number(process.argv[1]), timeout: 1500 });
    } catch (error) {
      console.log(JSON.stringify({ code: error.code, ms: performance.now() - start }));
    }
    poll([], 20_000);`,
    { args: [`${stuck.port}`], names },
  );
  program.waitUntil("an attempt of", () => attemptsTo(stuck.port) > stuck.fillers);
  const { code, ms } = JSON.parse(program.waitForOutput(/^\{.*\}$/m)[0]);
  expect(code).toBe("ETIMEDOUT");
  expect(ms).toBeGreaterThan(1499);
  expect(ms).toBeLessThan(4000);
  program.waitUntil("the end of all attempts of", () => attemptsTo(stuck.port) === stuck.fillers);
});

test("cancels attempts that lost; a later address does not wait for ones that hang", () => {
  const stuck = startStuck();
  startPeer("greeter", { host: "127.0.0.9", port: stuck.port, text: "won" });
  const program = startProgram(
    `import { connect } from "ringnet";
    const socket = connect({ host: "many.test", port: Number(process.argv[1]), timeout: 10_000 });
    console.log(socket.remoteAddress, String(socket.readExactly(3, 5000)));
    socket.waitUntilReadable(20_000);`,
    { args: [`${stuck.port}`], names },
  );
  expect(program.waitForOutput(/^.*\n/)[0]).toBe("127.0.0.9 won\n");
  program.waitUntil("the end of the attempt of", () => attemptsTo(stuck.port) === stuck.fillers);
});

test("bytes written while waiting are sent on the attempt that won, also after close()", () => {
  const stuck = startUnanswering();
  const peer = startPeer("sink", { host: "127.0.0.9", port: stuck.port });
  const { errors } = runProgram(
    `import { connect } from "ringnet";
    const socket = connect({ host: "many.test", port: Number(process.argv[1]) });
    socket.write("written early");
    socket.close();`,
    { args: [`${stuck.port}`], names },
  );
  expect(errors).toBe("");
  expect(peer.waitForEvent("end").bytes).toBe(13);
});

test("when all addresses fail, the error names each", () => {
  const { output } = runProgram(
    `import { connect } from "ringnet";
    try {
      connect({ host: "many.test", port: Number(process.argv[1]), timeout: 5000 });
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`,
    { args: [`${closedPort()}`], names },
  );
  const { code, message } = JSON.parse(output);
  expect(code).toBe("ECONNREFUSED");
  expect(message).toMatch(/ECONNREFUSED 127\.0\.0\.1:.*ECONNREFUSED 127\.0\.0\.9:/);
});

test("with more addresses than attempts at a time, each is tried", () => {
  const many = Array.from({ length: 40 }, (_, i) => `127.0.1.${i + 1}`);
  const peer = startPeer("greeter", { host: "127.0.1.40" });
  const { output, errors } = runProgram(
    `import { connect } from "ringnet";
    console.log(connect({ host: "many.test", port: Number(process.argv[1]), timeout: 10_000 }).remoteAddress);`,
    { args: [`${peer.port}`], names: { "many.test": many } },
  );
  expect(errors).toBe("");
  expect(output).toBe("127.0.1.40\n");
});
