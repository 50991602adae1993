/**
 * What restricts a program, or decides what it trusts, holds for its connections too: Node's flags, variables and settings, against
 * `node:tls` in the same program.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { type ProgramOptions, runProgram } from "../support/programs.js";
import { Authority, fileOf } from "./support/certificates.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const authority = new Authority("the authority of the restrictions");
const stranger = new Authority("a stranger");
const identity = authority.issue({ names: ["localhost"] });
const own = { key: identity.key, cert: identity.cert };
const peer = startPeer("echo", { tls: own });
const old = startPeer("echo", { tls: { ...own, maxVersion: "TLSv1.2" } });
const trusting = { ca: authority.cert };

/** The outcome of a connection with the TLS options `options`: the protocol and cipher's version, or the error's code. */
function outcome(port: number, tls: object | boolean, before = "", options: ProgramOptions = {}): string {
  const { output, errors } = runProgram(
    `import tls from "node:tls";
    import { connect } from "ringnet";
    ${before}
    try {
      const socket = connect({ host: "localhost", port: ${port}, tls: ${JSON.stringify(tls)}, timeout: 10000 });
      console.log(socket.tlsProtocol);
      socket.close();
    } catch (error) {
      console.log(error.code);
    }`,
    options,
  );
  if (output === "") throw new Error(errors);
  return output.trim();
}

describe("the oldest version of TLS", () => {
  const REFUSED = /ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|ERR_SSL_UNSUPPORTED_PROTOCOL/;

  test("is Node's by default", () => {
    expect(outcome(old.port, trusting)).toBe("TLSv1.2");
  });

  test("is the one that --tls-min-v1.3 sets, on the command line and in NODE_OPTIONS", () => {
    expect(outcome(old.port, trusting, "", { nodeArgs: ["--tls-min-v1.3"] })).toMatch(REFUSED);
    expect(outcome(old.port, trusting, "", { env: { NODE_OPTIONS: "--tls-min-v1.3" } })).toMatch(REFUSED);
  });

  test("is the one that tls.DEFAULT_MIN_VERSION has when the connection is opened", () => {
    expect(outcome(old.port, trusting, `tls.DEFAULT_MIN_VERSION = "TLSv1.3";`)).toMatch(REFUSED);
  });

  test("is the connection's own if given", () => {
    const options = { ...trusting, minVersion: "TLSv1.2" };
    expect(outcome(old.port, options, `tls.DEFAULT_MIN_VERSION = "TLSv1.3";`)).toBe("TLSv1.2");
  });
});

test("tls.DEFAULT_MAX_VERSION and --tls-max-v1.2 are the newest version", () => {
  expect(outcome(peer.port, trusting, `tls.DEFAULT_MAX_VERSION = "TLSv1.2";`)).toBe("TLSv1.2");
  expect(outcome(peer.port, trusting, "", { nodeArgs: ["--tls-max-v1.2"] })).toBe("TLSv1.2");
});

test("--tls-cipher-list and tls.DEFAULT_CIPHERS set the ciphers", () => {
  const other = startPeer("echo", { tls: { ...own, maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" } });
  const list = "ECDHE-ECDSA-AES128-GCM-SHA256";
  expect(outcome(other.port, trusting)).toBe("TLSv1.2");
  expect(outcome(other.port, trusting, "", { nodeArgs: [`--tls-cipher-list=${list}`] })).toMatch(/HANDSHAKE_FAILURE/);
  expect(outcome(other.port, trusting, `tls.DEFAULT_CIPHERS = "${list}";`)).toMatch(/HANDSHAKE_FAILURE/);
});

test("--tls-keylog writes the keys of the connections", () => {
  const file = join(temporaryFolder(), "keys");
  expect(outcome(peer.port, trusting, "", { nodeArgs: [`--tls-keylog=${file}`] })).toBe("TLSv1.3");
  expect(readFileSync(file, "utf8")).toContain("CLIENT_HANDSHAKE_TRAFFIC_SECRET");
});

test("NODE_EXTRA_CA_CERTS adds to what is trusted", () => {
  expect(outcome(peer.port, true)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(outcome(peer.port, true, "", { env: { NODE_EXTRA_CA_CERTS: fileOf(authority.cert) } })).toBe("TLSv1.3");
});

/** The system's store as OpenSSL finds it, with one authority. */
const SYSTEM = { SSL_CERT_FILE: fileOf(authority.cert), SSL_CERT_DIR: temporaryFolder() };

test("--use-openssl-ca trusts the system's store", () => {
  expect(outcome(peer.port, true, "", { nodeArgs: ["--use-openssl-ca"], env: SYSTEM })).toBe("TLSv1.3");
});

test.runIf(major > 22 || (major === 22 && minor >= 19))("--use-system-ca trusts the system's store", () => {
  const program = (flags: string[]) => outcome(peer.port, true, "", { nodeArgs: flags, env: SYSTEM });
  expect(program(["--use-system-ca"])).toBe("TLSv1.3");
  expect(program([])).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(outcome(peer.port, true, "", { env: { ...SYSTEM, NODE_OPTIONS: "--use-system-ca" } })).toBe("TLSv1.3");
  if (major >= 24) {
    expect(outcome(peer.port, true, "", { env: { ...SYSTEM, NODE_USE_SYSTEM_CA: "1" } })).toBe("TLSv1.3");
  }
});

test.runIf(major > 22 || (major === 22 && minor >= 19))("tls.setDefaultCACertificates sets the trusted roots", () => {
  const set = (...certificates: string[]) => `tls.setDefaultCACertificates(${JSON.stringify(certificates)});`;
  expect(outcome(peer.port, true, set(authority.cert))).toBe("TLSv1.3");
  expect(outcome(peer.port, true, set(stranger.cert))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const extra = { env: { NODE_EXTRA_CA_CERTS: fileOf(authority.cert) } };
  expect(outcome(peer.port, true, set(stranger.cert), extra)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(outcome(peer.port, { ca: authority.cert }, set(stranger.cert))).toBe("TLSv1.3");
});

test("--dns-result-order orders the addresses of a name", () => {
  const first = (flags: string[]) => {
    const { output, errors } = runProgram(
      `import { resolve } from "ringnet";
      const address = resolve("both.test");
      address.waitUntilResolved(10000);
      console.log(address.ips.join(" "));`,
      { nodeArgs: flags, names: { "both.test": ["127.0.0.1", "::1"] } },
    );
    if (output === "") throw new Error(errors);
    return output.trim();
  };
  expect(first(["--dns-result-order=ipv4first"])).toBe("127.0.0.1 ::1");
  if (major >= 22) expect(first(["--dns-result-order=ipv6first"])).toBe("::1 127.0.0.1");
});

test("--secure-heap and --openssl-config hold for the whole process", () => {
  expect(outcome(peer.port, trusting, "", { nodeArgs: ["--secure-heap=65536"] })).toBe("TLSv1.3");
  const config = fileOf(
    "nodejs_conf = node\n[node]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n[limits]\nMaxProtocol = TLSv1.2\n",
  );
  const direct = runProgram(
    `import tls from "node:tls";
    const socket = tls.connect({ host: "localhost", port: ${peer.port}, ca: ${JSON.stringify(authority.cert)} }, () => {
      console.log(socket.getProtocol());
      socket.destroy();
    });`,
    { nodeArgs: [`--openssl-config=${config}`] },
  ).output.trim();
  expect(outcome(peer.port, trusting, "", { nodeArgs: [`--openssl-config=${config}`] })).toBe(direct);
});

describe("--permission", () => {
  const permission = major >= 22 ? "--permission" : "--experimental-permission";
  const secret = join(temporaryFolder(), "secret.pem");
  writeFileSync(secret, authority.cert);
  // The program itself needs its own files; it may not read the temporary folder.
  const allowed = [permission, "--allow-worker", `--allow-fs-read=${process.cwd()}`];
  const net = major >= 25 ? ["--allow-net"] : [];

  test("does not read a certificate file that the program may not read", () => {
    expect(outcome(peer.port, { caFile: secret })).toBe("TLSv1.3");
    const options = { nodeArgs: [...allowed, ...net] };
    expect(outcome(peer.port, { caFile: secret }, "", options)).toBe("ERR_ACCESS_DENIED");
    expect(outcome(peer.port, trusting, "", options)).toBe("TLSv1.3");
  });

  test("also applies from NODE_OPTIONS", () => {
    const env = { NODE_OPTIONS: [...allowed, ...net].map((flag) => `"${flag}"`).join(" ") };
    expect(outcome(peer.port, { caFile: secret }, "", { env })).toBe("ERR_ACCESS_DENIED");
  });

  test.runIf(major >= 25)("prevents networking without --allow-net", () => {
    expect(outcome(peer.port, trusting, "", { nodeArgs: allowed })).toBe("ERR_ACCESS_DENIED");
    const program = `import { bindUdp, connect, listen, resolve } from "ringnet";
      const code = (call) => { try { call(); return "allowed"; } catch (error) { return error.code; } };
      const address = resolve("localhost");
      address.waitUntilResolved(10000);
      console.log(JSON.stringify([
        code(() => connect({ host: "127.0.0.1", port: ${peer.port}, timeout: 10000 })),
        code(() => listen({ host: "127.0.0.1" })),
        code(() => { const udp = bindUdp({ host: "127.0.0.1" }); udp.close(); }),
        address.error?.code,
      ]));`;
    const { output, errors } = runProgram(program, { nodeArgs: allowed });
    if (output === "") throw new Error(errors);
    expect(JSON.parse(output)).toEqual(Array(4).fill("ERR_ACCESS_DENIED"));
  });
});

test("loader hooks do not reach the networking thread", () => {
  const folder = temporaryFolder();
  const seen = join(folder, "seen");
  const hook = join(folder, "hook.mjs");
  writeFileSync(
    hook,
    `import { appendFileSync } from "node:fs";
    import { threadId } from "node:worker_threads";
    appendFileSync(${JSON.stringify(seen)}, "thread " + threadId + "\\n");`,
  );
  expect(outcome(peer.port, trusting, "", { nodeArgs: [`--import=${hook}`] })).toBe("TLSv1.3");
  expect(readFileSync(seen, "utf8")).toBe("thread 0\n");
});
