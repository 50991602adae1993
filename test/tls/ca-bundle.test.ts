/**
 * The file of certificates that TLS clients verify against: which one, when it is read, and the error if it can't be used.
 */

import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, net } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { addressOf, unwrap } from "../net/connections.js";
import { temporaryFolder } from "../support/folders.js";
import { type Peer, startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, fileOf, openssl } from "./support/certificates.js";

const authority = new Authority("the authority");
const stranger = new Authority("a stranger");
const identity = authority.issue({ names: ["localhost"] });
let peer: Peer;

beforeAll(() => {
  peer = startPeer("echo", { tls: { key: identity.key, cert: identity.cert } });
});

/** The outcome of a connection of the `net` facade. */
function outcome(): [net.status, string | null] {
  const tcp = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
  const result = tcp.wait_until_connected(5000);
  tcp.close();
  return result;
}

const TRUSTED = ["success", null];
const UNTRUSTED = ["failure", expect.stringMatching(/unable to verify/)];

describe("net.get_cacert_path()", () => {
  test("the path set", () => {
    net.set_cacert_path("/some/where");
    expect(net.get_cacert_path()).toBe("/some/where");
    net.set_cacert_path(authority.certPath);
    expect(net.get_cacert_path()).toBe(authority.certPath);
  });

  test("or else the first bundle of the system that exists, or else null", () => {
    const bundles = [
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem",
      "/usr/local/share/certs/ca-root-nss.crt",
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
      "/etc/ssl/cert.pem",
    ];
    const { output, errors } = runProgram(
      `import { execFileSync } from "node:child_process";
      import { mkdirSync, rmSync, writeFileSync } from "node:fs";
      import { dirname } from "node:path";
      import { net } from "ringnet";
      // In the mount namespace of this program alone.
      for (const folder of ["/etc", "/usr/local/share"]) execFileSync("mount", ["-t", "tmpfs", "none", folder]);
      const bundles = ${JSON.stringify(bundles)};
      for (const path of bundles) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "");
      }
      const found = [];
      for (const path of bundles) {
        found.push(net.get_cacert_path());
        rmSync(path);
      }
      console.log(JSON.stringify([...found, net.get_cacert_path()]));`,
      { names: {} },
    );
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual([...bundles, null]);
  });
});

describe("net.set_cacert_path(path)", () => {
  test("the CA bundle that later TLS connections verify against", () => {
    net.set_cacert_path(stranger.certPath);
    expect(outcome()).toEqual(UNTRUSTED);
    net.set_cacert_path(authority.certPath);
    expect(outcome()).toEqual(TRUSTED);
    net.set_cacert_path(stranger.certPath);
    expect(outcome()).toEqual(UNTRUSTED);
  });

  test("a connection verifies against the bundle set when it was opened", () => {
    net.set_cacert_path(authority.certPath);
    const first = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
    net.set_cacert_path(stranger.certPath);
    const second = unwrap(net.open_tcp(addressOf("localhost"), peer.port, true));
    expect(first.wait_until_connected(5000)).toEqual(TRUSTED);
    expect(second.wait_until_connected(5000)).toEqual(UNTRUSTED);
    first.close();
    second.close();
  });

  test("a path of the wrong type throws", () => {
    net.set_cacert_path(authority.certPath);
    expect(() => net.set_cacert_path(5 as never)).toThrow(TypeError);
    expect(() => net.set_cacert_path(undefined as never)).toThrow(TypeError);
    expect(() => net.set_cacert_path("")).toThrow(RangeError);
    expect(net.get_cacert_path()).toBe(authority.certPath);
  });
});

describe("a bundle", () => {
  test("may hold many certificates, comments between them, and CRLF", () => {
    const many = [stranger.cert, "\n# The one that is needed:\n", authority.cert, "\nthe end\n"].join("");
    net.set_cacert_path(fileOf(many));
    expect(outcome()).toEqual(TRUSTED);
    net.set_cacert_path(fileOf(many.replaceAll("\n", "\r\n")));
    expect(outcome()).toEqual(TRUSTED);
  });

  test("may hold OpenSSL's trusted certificates", () => {
    net.set_cacert_path(fileOf(openssl(["x509", "-in", authority.certPath, "-trustout"])));
    expect(outcome()).toEqual(TRUSTED);
  });

  test("is read again when it changes", () => {
    const path = fileOf(stranger.cert);
    net.set_cacert_path(path);
    expect(outcome()).toEqual(UNTRUSTED);
    writeFileSync(path, authority.cert);
    utimesSync(path, 1000, 1000);
    expect(outcome()).toEqual(TRUSTED);
    writeFileSync(path, "broken meanwhile");
    utimesSync(path, 2000, 2000);
    expect(outcome()).toEqual(["failure", expect.stringContaining(path)]);
    rmSync(path);
    expect(outcome()).toEqual(["failure", expect.stringContaining(path)]);
    writeFileSync(path, authority.cert);
    expect(outcome()).toEqual(TRUSTED);
  });

  test("is read again when it was rewritten with the same size and modification time", () => {
    const path = fileOf(authority.cert);
    net.set_cacert_path(path);
    const { atime, mtime } = statSync(path);
    utimesSync(path, atime, mtime); // to the precision that utimes can set
    expect(outcome()).toEqual(TRUSTED);
    expect(outcome()).toEqual(TRUSTED);
    writeFileSync(path, "x".repeat(authority.cert.length));
    utimesSync(path, atime, mtime);
    expect(outcome()).toEqual(["failure", expect.stringMatching(/no PEM certificate/)]);
  });
});

describe("a bad bundle is a failure that names it", () => {
  const der = Buffer.from(authority.cert.replaceAll(/-----.*-----|\s/g, ""), "base64");
  const broken = authority.cert.replace(/^M.{7}/m, "AAAAAAAA");

  test.each([
    ["an empty file", "", /no PEM certificate/],
    ["rubbish", "rubbish\n", /no PEM certificate/],
    ["a certificate in DER form", der, /no PEM certificate/],
    ["a key", authority.key, /no PEM certificate/],
    [
      "no line feed between two certificates",
      authority.cert.trimEnd() + stranger.cert,
      /certificate number 1 .*its last line contains something else/,
    ],
    ["no certificate but one behind a comment sign", `# ${authority.cert}`, /no PEM certificate/],
    ["a certificate that is cut off", authority.cert.slice(0, 300), /certificate number 1/],
    ["a broken certificate among good ones", `${authority.cert}${broken}${stranger.cert}`, /certificate number 2/],
    ["random bytes", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255)), /no PEM certificate/],
  ])("%s", (_name, content, reason) => {
    const path = fileOf(content);
    net.set_cacert_path(path);
    const [status, text] = outcome();
    expect(status).toBe("failure");
    expect(text).toContain(path);
    expect(text).toMatch(reason);
    const error = errorOf(() => connect({ host: "localhost", port: peer.port, tls: { caFile: path }, timeout: 5000 }));
    expect(error).toMatchObject({ code: "ERR_CA_BUNDLE", message: text });
  });

  test.each([
    ["no file", "ENOENT", (folder: string) => join(folder, "none.pem")],
    ["a folder", "EISDIR", (folder: string) => folder],
    ["a file in place of a folder", "ENOTDIR", (folder: string) => join(folder, "file", "bundle.pem")],
  ])("%s", (_name, code, pathIn) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    const path = pathIn(folder);
    net.set_cacert_path(path);
    const [status, text] = outcome();
    expect(status).toBe("failure");
    expect(text).toContain(path);
    expect(text).toContain(code);
    const error = errorOf(() => connect({ host: "localhost", port: peer.port, tls: { caFile: path }, timeout: 5000 }));
    expect(error).toMatchObject({ code, message: text });
  });

  test("a file without permission to read", () => {
    const folder = temporaryFolder();
    const path = join(folder, "bundle.pem");
    writeFileSync(path, readFileSync(authority.certPath));
    chmodSync(path, 0);
    chmodSync(folder, 0o755);
    const { output, errors } = runProgram(
      `import { net } from "ringnet";
      net.create_server(0)[0].close(); // the networking thread runs
      if (process.getuid() === 0) process.setuid(65534); // root may read anything
      const [path, port] = process.argv.slice(1);
      net.set_cacert_path(path);
      const [tcp] = net.open_tcp(net.resolve_address("127.0.0.1")[0], Number(port), true);
      console.log(JSON.stringify(tcp.wait_until_connected(5000)));`,
      { args: [path, `${peer.port}`] },
    );
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual(["failure", expect.stringMatching(/EACCES/)]);
    expect(output).toContain(path);
  });
});

describe("departs: TLS is verified also where there is no CA bundle", () => {
  // Node's own roots apply by default; NODE_EXTRA_CA_CERTS adds to them.
  const program = `import { execFileSync } from "node:child_process";
    import { writeFileSync } from "node:fs";
    import { net } from "ringnet";
    execFileSync("mount", ["-t", "tmpfs", "none", "/etc"]); // in the mount namespace of this program alone
    writeFileSync("/etc/hosts", "127.0.0.1 localhost");
    const [tcp] = net.open_tcp(net.resolve_address("localhost")[0], Number(process.argv[1]), true);
    console.log(JSON.stringify([net.get_cacert_path(), tcp.wait_until_connected(5000)]));`;

  test.each([
    ["not one of Node's roots", undefined, UNTRUSTED],
    ["one of Node's roots", authority.certPath, TRUSTED],
    // Node's way to turn verification off for a whole process has no effect here.
    ["NODE_TLS_REJECT_UNAUTHORIZED=0", undefined, UNTRUSTED],
  ])("%s", (name, extra, expected) => {
    const env = {
      NODE_EXTRA_CA_CERTS: extra,
      ...(name.startsWith("NODE_TLS") ? { NODE_TLS_REJECT_UNAUTHORIZED: "0" } : {}),
    };
    const { output, errors } = runProgram(program, { names: {}, env, args: [`${peer.port}`] });
    expect(errors.replaceAll(/.*(NODE_TLS_REJECT_UNAUTHORIZED|--trace-warnings).*\n/g, "")).toBe(""); // Node's own warning
    expect(JSON.parse(output)).toEqual([null, expected]);
  });
});

test("a bundle's folder may be removed and made again", () => {
  const folder = join(temporaryFolder(), "later");
  const path = join(folder, "bundle.pem");
  net.set_cacert_path(path);
  expect(outcome()).toEqual(["failure", expect.stringContaining(path)]);
  mkdirSync(folder);
  writeFileSync(path, authority.cert);
  expect(outcome()).toEqual(TRUSTED);
});
