/**
 * Which servers TLS clients trust: each kind of certificate, of each of two servers, over each version of TLS, through both APIs.
 */

import { connect, type NetError, net } from "ringnet";
import { beforeAll, describe, expect, test } from "vitest";
import { addressOf, failureText, readBytes, unwrap } from "../net/connections.js";
import { waitFor } from "../support/waiting.js";
import { errorOf, readBytes as readFrom } from "../tcp/sockets.js";
import { authority, CASE_NAMES, type CaseName, caseOf } from "./support/cases.js";
import { fileOf } from "./support/certificates.js";
import { type Program, startNginx, startOpensslServer } from "./support/servers.js";

type Version = "TLSv1.2" | "TLSv1.3";
const VERSIONS: Version[] = ["TLSv1.2", "TLSv1.3"];

/** Starts s_server with the certificates of a case. */
function serverOf(name: CaseName, version: Version): Program {
  const { identity, chain } = caseOf(name);
  const chained = chain.length > 0 ? ["-cert_chain", fileOf(...chain)] : [];
  return startOpensslServer(identity, version === "TLSv1.2" ? "-tls1_2" : "-tls1_3", "-naccept", "1", ...chained);
}

const REQUEST = "GET /facts HTTP/1.0\r\n\r\n";

for (const version of VERSIONS) {
  describe.each(CASE_NAMES)(`openssl s_server, ${version}: %s`, (name) => {
    const { name: host, fault } = caseOf(name);

    test("net.open_tcp(address, port, true)", () => {
      const server = serverOf(name, version);
      net.set_cacert_path(authority.certPath);
      const tcp = unwrap(net.open_tcp(addressOf(host), server.port, true));
      tcp.write("a secret\n"); // sent only after verification, like any byte; refused if that has already failed
      if (fault === undefined) {
        expect(tcp.wait_until_connected(5000)).toEqual(["success", null]);
        server.process.waitForOutput(/^a secret$/m);
        server.process.send("an answer\n");
        expect(String(readBytes(tcp, 10))).toBe("an answer\n");
      } else {
        const [status, text] = tcp.wait_until_connected(5000);
        expect(status).toBe("failure");
        expect(text).toMatch(fault.text);
        expect(failureText(tcp.read(1))).toBe(text);
        expect(failureText(tcp.write("x"))).toBe(text);
        server.process.waitForExit();
        expect(server.process.output).not.toContain("a secret");
      }
      tcp.close();
    });

    test("connect({ tls })", () => {
      const server = serverOf(name, version);
      const open = () => connect({ host, port: server.port, tls: { ca: authority.cert }, timeout: 5000 });
      if (fault === undefined) {
        const socket = open();
        expect(socket).toMatchObject({
          status: "success",
          authorized: true,
          authorizationError: null,
          tlsProtocol: version,
        });
        socket.writeAll("a secret\n", 1000);
        server.process.waitForOutput(/^a secret$/m);
        server.process.send("an answer\n");
        expect(String(readFrom(socket, 10))).toBe("an answer\n");
        socket.close();
      } else {
        const error = errorOf(open);
        expect(error.code).toBe(fault.code);
        expect(error.message).toMatch(fault.text);
      }
    });

    test("connect({ tls: { rejectUnauthorized: false } })", () => {
      const server = serverOf(name, version);
      const tls = { ca: authority.cert, rejectUnauthorized: false };
      const socket = connect({ host, port: server.port, tls, timeout: 5000 });
      expect(socket).toMatchObject({ status: "success", encrypted: true, authorized: fault === undefined });
      expect(socket.authorizationError).toBe(fault?.code ?? null);
      socket.writeAll("on your own risk\n", 1000);
      server.process.waitForOutput(/^on your own risk$/m);
      socket.close();
    });
  });
}

test("a message that is too long for the slot is cut; code, host, address and port are not", () => {
  const names = Array.from({ length: 99 }, (_, i) => `name-${i}.example`);
  const server = startOpensslServer(authority.issue({ names }));
  const error = errorOf(() =>
    connect({ host: "localhost", port: server.port, tls: { ca: authority.cert }, timeout: 5000 }),
  );
  expect(error).toMatchObject({
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
    host: "localhost",
    address: "127.0.0.1",
    port: server.port,
  });
  expect(error.message).toMatch(/not in the cert's altnames: DNS:name-0\.example, DNS:name-1\.example, /);
  expect(error.message).not.toContain("name-98");
});

describe("nginx", () => {
  let nginx: ReturnType<typeof startNginx>;
  const siteOf = (name: CaseName, version: Version) => `${version} ${CASE_NAMES.indexOf(name)}`.replaceAll(/\W/g, "-");

  beforeAll(() => {
    const sites = VERSIONS.flatMap((version) =>
      CASE_NAMES.map((name) => {
        const { identity, chain } = caseOf(name);
        return [siteOf(name, version), { identity, chain, settings: [`ssl_protocols ${version}`] }] as const;
      }),
    );
    nginx = startNginx(Object.fromEntries(sites));
  });

  for (const version of VERSIONS) {
    describe.each(CASE_NAMES)(`${version}: %s`, (name) => {
      const { name: host, fault } = caseOf(name);
      const sni = host === "localhost" ? "localhost" : ""; // RFC 6066, 3: an IP is never sent
      const answer = new RegExp(`\\r\\n\\r\\n${version} \\. ${sni} NONE\\n$`);

      test("net.open_tcp(address, port, true)", () => {
        net.set_cacert_path(authority.certPath);
        const tcp = unwrap(net.open_tcp(addressOf(host), nginx.ports[siteOf(name, version)] as number, true));
        const [status, text] = tcp.wait_until_connected(5000);
        if (fault === undefined) {
          expect([status, text]).toEqual(["success", null]);
          unwrap(tcp.write(REQUEST));
          let page = "";
          waitFor("the end", () => {
            const [bytes, message] = tcp.read(1000);
            expect(message).toBeNull();
            if (bytes !== null) page += bytes;
            return bytes === null;
          });
          expect(page).toMatch(answer);
        } else {
          expect(status).toBe("failure");
          expect(text).toMatch(fault.text);
        }
        tcp.close();
      });

      test("connect({ tls })", () => {
        const port = nginx.ports[siteOf(name, version)] as number;
        // A context that no other test has used: no session to resume.
        const open = () => connect({ host, port, tls: { ca: `${authority.cert}# ${name}\n` }, timeout: 5000 });
        if (fault === undefined) {
          using socket = open();
          socket.writeAll(REQUEST, 1000);
          expect(String(socket.readAll(5000))).toMatch(answer);
        } else {
          const error: NetError = errorOf(open);
          expect(error.code).toBe(fault.code);
          expect(error.message).toMatch(fault.text);
        }
      });
    });
  }
});
