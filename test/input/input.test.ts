/**
 * `openInput`: programs that read their standard input, beside sockets.
 */

import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openInput } from "ringnet";
import { describe, expect, test } from "vitest";
import { entryPoint } from "../support/examples.js";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";
import { errorOf } from "../tcp/sockets.js";

const PACKAGE = JSON.stringify(entryPoint("ringnet"));
const RUNTIME = fileCommand("").slice(0, -1);

/** A file with a program that imports the package. */
function program(source: string): string {
  const path = join(temporaryFolder(), "program.mjs");
  writeFileSync(path, `import { connect, openInput, Poller } from ${PACKAGE};\n${source}`);
  return path;
}

const COUNT = `
  const input = openInput();
  let count = 0;
  for (let bytes = input.read(); bytes !== null; bytes = input.read()) {
    count += bytes.length;
    if (bytes.length === 0) input.waitUntilReadable(10_000);
  }
  console.log("count", count, input.bytesRead, input.ready);`;

/** An executable that runs the program in its argument: a script where the runtime needs options for that. */
function runtime(): string {
  if (RUNTIME.length === 1) return process.execPath;
  const path = join(temporaryFolder(), "runtime.sh");
  writeFileSync(path, `#!/bin/sh\nexec ${RUNTIME.join(" ")} "$@"\n`, { mode: 0o755 });
  return path;
}

/** Runs a shell command line with a program's path in $P and node in $N; it must end in time. */
function shell(line: string, source: string): string {
  const { stdout, stderr, status } = spawnSync("sh", ["-c", line], {
    encoding: "utf8",
    timeout: 20_000,
    env: { ...process.env, NODE_OPTIONS: "", N: runtime(), P: program(source) },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim();
}

describe("standard input", () => {
  test("reads a pipe in whole lines, to its end", () => {
    const source = `const input = openInput();
      for (let line = input.readLine(10_000); line !== null; line = input.readLine(10_000)) console.log("[" + line + "]");`;
    expect(shell('(echo one; sleep 0.2; printf "two\\r\\nlast") | "$N" "$P"', source)).toBe("[one]\n[two]\n[last]");
  });

  test("delivers more than the ring holds from a pipe to a slow reader", () => {
    const source = `const input = openInput("stdin", { receiveBuffer: 4096 });
      let count = 0;
      for (let bytes = input.readExactly(1000, 10_000); bytes !== null; bytes = input.readExactly(1000, 10_000)) count += bytes.length;
      console.log(count);`;
    expect(shell('head -c 3000000 /dev/zero | "$N" "$P"', source)).toBe("3000000");
  });

  test("ends if it is closed, /dev/null, or a file", () => {
    expect(shell('"$N" "$P" <&-', COUNT)).toBe("count 0 0 false");
    expect(shell('"$N" "$P" </dev/null', COUNT)).toBe("count 0 0 false");
    expect(shell('head -c 5000000 /dev/zero >"$P.data"; "$N" "$P" <"$P.data"', COUNT)).toBe(
      "count 5000000 5000000 false",
    );
    expect(shell('head -c 100000 /dev/zero >"$P.data"; (head -c 1 >/dev/null; "$N" "$P") <"$P.data"', COUNT)).toMatch(
      /^count \d+ \d+ false$/,
    );
  });

  test("is waited for together with a socket: the first to be ready is reported", () => {
    const peer = startPeer("manual");
    const path = program(`
      const input = openInput();
      const socket = connect({ host: "127.0.0.1", port: ${peer.port}, timeout: 10_000 });
      const poller = new Poller().add(input).add(socket);
      console.log("ready");
      while (poller.size > 0) {
        for (const handle of [...poller.wait(20_000)]) {
          const name = handle === input ? "input" : "socket";
          const bytes = handle.read();
          if (bytes === null) { poller.delete(handle); console.log(name, "ended"); }
          else if (bytes.length > 0) console.log(name, String(bytes).trim());
        }
      }`);
    const [command, ...args] = fileCommand(path) as [string, ...string[]];
    const running = new Process(command, args, { env: { NODE_OPTIONS: undefined } });
    running.waitForOutput(/^ready$/m);
    peer.waitForEvent("connection");
    running.send("typed\n");
    running.waitForOutput(/^input typed$/m);
    peer.send({ do: "write", text: "sent\n" });
    running.waitForOutput(/^socket sent$/m);
    running.send("again\n");
    running.waitForOutput(/^input again$/m);
    peer.send({ do: "end" });
    running.waitForOutput(/^socket ended$/m);
    running.endInput();
    running.waitForOutput(/^input ended$/m);
    running.waitForExit();
    expect(running.errors).toBe("");
  });

  test("delivers a terminal's lines as they are typed; Ctrl-D ends it", () => {
    const source = `const input = openInput();
      console.log("ready");
      console.log("[" + input.readLine(10_000) + "]");
      console.log(input.readLine(10_000));`;
    // Python's pty gives a terminal, types when the program is ready, and prints what appears on it.
    const typing = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execv(os.environ["N"], [os.environ["N"], os.environ["P"]])
seen = b""
steps = [(b"ready", b"hello\\n"), (b"[hello]", b"\\x04"), (b"null", b"")]
while True:
    try: got = os.read(fd, 1000)
    except OSError: break
    if not got: break
    seen += got
    while steps and steps[0][0] in seen: os.write(fd, steps.pop(0)[1])
print(len(steps), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const folder = temporaryFolder();
    writeFileSync(join(folder, "typing.py"), typing);
    expect(shell(`timeout 15 python3 ${join(folder, "typing.py")}`, source)).toBe("0 0");
  });

  test("does not keep the process alive", () => {
    // A FIFO that is also open for writing never ends.
    const line = 'mkfifo "$P.fifo"; timeout 15 "$N" "$P" <>"$P.fifo"; echo "code $?"';
    expect(shell(line, `openInput(); console.log("over");`)).toBe("over\ncode 0");
    const closes = `const input = openInput(); console.log(input.waitUntilReadable(50)); input.close(); console.log("over");`;
    expect(shell(line, closes)).toBe("false\nover\ncode 0");
  });
});

describe("a descriptor", () => {
  test("reads a FIFO as it is written", () => {
    const path = join(temporaryFolder(), "fifo");
    spawnSync("mkfifo", [path]);
    const fd = openSync(path, constants.O_RDWR);
    const writer = openSync(path, constants.O_WRONLY);
    const input = openInput(fd);
    expect(input.waitUntilReadable(50)).toBe(false);
    expect(input.read()).toHaveLength(0);
    expect(input.ready).toBe(false);
    writeSync(writer, "through the fifo\n");
    expect(input.readLine(5000)).toBe("through the fifo");
    expect(errorOf(() => input.readLine(50)).code).toBe("ETIMEDOUT");
    input.close();
    expect(errorOf(() => input.read()).code).toBe("ERR_SOCKET_CLOSED");
    closeSync(writer);
  });

  test("reads a file from its current position, and leaves it open", () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "0123456789");
    const fd = openSync(path, "r");
    const input = openInput(fd);
    expect(String(input.readAll(5000))).toBe("0123456789");
    expect(input.read()).toBeNull();
    input.close();
    closeSync(fd);
  });

  test("throws if it is not open, or not a descriptor", () => {
    expect(errorOf(() => openInput(9999)).code).toBe("EBADF");
    expect(() => openInput(-1)).toThrow(RangeError);
    expect(() => openInput("0" as never)).toThrow(TypeError);
    expect(() => openInput(0, { sendBuffer: 4096 } as never)).toThrow(TypeError);
  });
});
