/**
 * Which peers a connection trusts: empty lists of authorities, and files of authorities that are replaced or can't be read.
 */

import { execFileSync } from "node:child_process";
import { renameSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, listen } from "ringnet";
import { beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { type Peer, startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, fileOf } from "./support/certificates.js";
import { startRelay } from "./support/relays.js";

const authority = new Authority("the authority");
const stranger = new Authority("an authority");
const identity = authority.issue({ names: ["localhost"] });
let peer: Peer;

beforeAll(() => {
  peer = startPeer("echo", { tls: { key: identity.key, cert: identity.cert } });
});

function open(tls: Exclude<Parameters<typeof connect>[0]["tls"], boolean | undefined>): void {
  connect({ host: "localhost", port: peer.port, tls, timeout: 5000 }).close();
}

test("a bundle that is replaced with the same modification time is read again", () => {
  const caFile = fileOf(authority.cert);
  utimesSync(caFile, 1000, 1000);
  open({ caFile });
  const replacement = `${caFile}.new`;
  writeFileSync(replacement, stranger.cert);
  utimesSync(replacement, 1000, 1000);
  renameSync(replacement, caFile);
  expect(statSync(caFile).mtimeMs).toBe(1_000_000);
  expect(errorOf(() => open({ caFile })).code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});

test("an empty list of authorities trusts no peer, not even with Node's roots", () => {
  const { output, errors } = runProgram(
    `import { connect, listen } from "ringnet";
    const outcome = (tls) => {
      try {
        connect({ host: "localhost", port: ${peer.port}, tls, timeout: 5000 }).close();
        return "trusted";
      } catch (error) {
        return error.code;
      }
    };
    console.log(JSON.stringify([outcome(true), outcome({ ca: "" }), outcome({ ca: [] })]));`,
    { env: { NODE_EXTRA_CA_CERTS: fileOf(authority.cert) } },
  );
  expect(errors).toBe("");
  expect(JSON.parse(output)).toEqual(["trusted", "trusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
});

test("refuses a bundle that is a FIFO or a device; other connections continue", () => {
  const fifo = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [fifo]);
  for (const caFile of [fifo, "/dev/zero"]) {
    const error = errorOf(() => open({ caFile }));
    expect(error).toMatchObject({ code: "ERR_CA_BUNDLE", message: expect.stringMatching(/not a regular file/) });
  }
  open({ ca: authority.cert });
});

test("refuses a bundle of more than 16 MiB", () => {
  const path = fileOf(authority.cert);
  truncateSync(path, 16 * 1024 * 1024 + 1);
  expect(errorOf(() => open({ caFile: path }))).toMatchObject({
    code: "ERR_CA_BUNDLE",
    message: expect.stringMatching(/more than 16777216 bytes/),
  });
});

test("a slow certificate file does not delay other connections", () => {
  // A FIFO has no content; the networking thread must not even begin to wait for it.
  const fifo = join(temporaryFolder(), "fifo");
  execFileSync("mkfifo", [fifo]);
  const waiting = connect({ host: "localhost", port: peer.port, tls: { caFile: fifo } });
  open({ ca: authority.cert });
  expect(waiting.waitUntilConnected(5000)).toBe("failure");
  waiting.close();
});

test("a server reads its certificate file the same way, and reports when it can't", () => {
  const tls = { key: identity.key, cert: identity.cert, requestCert: true };
  listen({ host: "127.0.0.1", tls: { ...tls, caFile: fileOf(authority.cert) } }).close();
  const error = errorOf(() => listen({ host: "127.0.0.1", tls: { ...tls, caFile: "/dev/zero" } }));
  expect(error).toMatchObject({ code: "ERR_CA_BUNDLE", message: expect.stringMatching(/not a regular file/) });
});

test("peers with similar names don't share a session", () => {
  // One server, which would resume, at a port and at a Unix path that reads like a host and that port.
  const folder = temporaryFolder();
  startPeer("echo", { path: join(folder, "server"), tls: { key: identity.key, cert: identity.cert } });
  const { port } = startRelay(join(folder, "server"));
  const path = `localhost ${port}`;
  symlinkSync("server", join(folder, path));
  const tls = { ca: authority.cert, servername: "localhost" };
  const reused = (where: { port: number } | { path: string }) => {
    using socket = connect({ ...where, tls, timeout: 5000 });
    socket.writeAll("x", 1000);
    socket.readExactly(1, 5000);
    return socket.sessionReused;
  };
  expect([reused({ port }), reused({ port })]).toEqual([false, true]);
  const before = process.cwd();
  process.chdir(folder); // the path is relative: nothing but its kind tells it from the host and the port
  try {
    expect(reused({ path })).toBe(false);
  } finally {
    process.chdir(before);
  }
});
