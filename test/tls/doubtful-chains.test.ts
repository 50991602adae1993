/**
 * Chains that other runtimes than Node trust wrongly: with a certificate of version 1, and of an authority that has expired. Node itself
 * refuses them; on Deno this package does.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { isDeno } from "../support/runtime.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, fileOf, openssl } from "./support/certificates.js";

const SUBJECT = "the authority";
const authority = new Authority(SUBJECT);
/** Has the authority's name, and another key. */
const impostor = new Authority(SUBJECT);
const REFUSED = /CERT|VERIFY|ISSUER|ERR_FEATURE_UNAVAILABLE_ON_PLATFORM/;

/** A certificate and its key, made by `openssl x509`, which sets version 1 if there are no extensions, and any number of `days`. */
function issued(subject: string, days: number, extensions: string | null, signer: (keyPath: string) => string[]) {
  const [keyPath, requestPath] = ["key.pem", "request.pem"].map((name) => join(temporaryFolder(), name)) as [
    string,
    string,
  ];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyPath];
  openssl(["req", "-new", ...key, "-subj", `/CN=${subject}`, "-out", requestPath]);
  const certPath = join(temporaryFolder(), "cert.pem");
  const added = extensions === null ? [] : ["-extfile", fileOf(extensions)];
  openssl(["x509", "-req", "-in", requestPath, ...signer(keyPath), "-days", `${days}`, ...added, "-out", certPath]);
  return { keyPath, certPath, cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}

const signedBy = ({ certPath, keyPath }: { certPath: string; keyPath: string }) => [
  ...["-CA", certPath, "-CAkey", keyPath, "-CAcreateserial"],
];

function openTo(identity: { cert: string; key: string }, ca: string | string[]) {
  const peer = startPeer("echo", { tls: { cert: identity.cert, key: identity.key } });
  return connect({ host: "localhost", port: peer.port, tls: { ca }, timeout: 5000 });
}

describe("a certificate of version 1", () => {
  const leaf = (signer: Authority) => {
    const made = issued("localhost", 30, null, () => signedBy(signer));
    expect(openssl(["x509", "-in", made.certPath, "-noout", "-text"])).toContain("Version: 1 ");
    return made;
  };

  test("is refused if it only names an authority, and is not signed by it", () => {
    expect(errorOf(() => openTo(leaf(impostor), authority.cert)).code).toMatch(REFUSED);
  });

  test("is trusted if it is signed by an authority, but not on Deno, which does not verify that", () => {
    const open = () => openTo(leaf(authority), authority.cert);
    if (isDeno) expect(errorOf(open).code).toBe("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM");
    else expect(open().authorized).toBe(true);
  });
});

describe("an authority that has expired", () => {
  const ofAuthorities = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
  const expired = issued("an old authority", -1, ofAuthorities, (keyPath) => ["-signkey", keyPath]);
  const leaf = issued("localhost", 30, "subjectAltName=DNS:localhost\n", () => signedBy(expired));

  test("is not trusted", () => {
    expect(errorOf(() => openTo(leaf, expired.cert)).code).toMatch(REFUSED);
    expect(errorOf(() => openTo(leaf, [authority.cert, expired.cert])).code).toMatch(REFUSED);
  });

  test("does not keep the others in its bundle from being trusted", () => {
    const identity = authority.issue({ names: ["localhost"] });
    expect(openTo(identity, expired.cert + authority.cert).authorized).toBe(true);
  });
});
