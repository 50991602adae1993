/**
 * Servers with a certificate for each of several names: `listen({ tls: { contexts } })`.
 */

import { connect, listen, type ServerTlsOptions, type TcpServer } from "ringnet";
import { describe, expect, test } from "vitest";
import { node, Process } from "../support/processes.js";
import { acceptFrom, errorOf } from "../tcp/sockets.js";
import { Authority } from "./support/certificates.js";
import { startOpensslClient } from "./support/servers.js";

const authority = new Authority("the authority");
const own = shown("default", "localhost");
const tls = {
  ...own,
  contexts: {
    "a.example.org": shown("exact", "a.example.org"),
    "*.example.org": shown("wild", "*.example.org"),
    "b\u00fccher.example": shown("encoded", "xn--bcher-kva.example"),
  },
};

function shown(subject: string, name: string): { cert: string; key: string } {
  const { cert, key } = authority.issue({ subject, names: [name] });
  return { cert, key };
}

const CASES = [
  ["a.example.org", "exact"],
  ["A.Example.ORG", "exact"],
  ["other.example.org", "wild"],
  ["x.y.example.org", "default"],
  ["example.org", "default"],
  ["xn--bcher-kva.example", "encoded"],
  ["unknown.test", "default"],
] as const;

function startNode(source: string): Process {
  return new Process(node, ["--input-type=module", "-e", source], { env: { NODE_OPTIONS: undefined } });
}

/** The common name of the certificate that openssl is shown. */
function subjectFor(server: TcpServer, ...args: string[]): string | undefined {
  const program = startOpensslClient(server.port, ...args);
  acceptFrom(server).close();
  const [, subject] = program.waitForOutput(/subject=.*?CN ?= ?(\w+)/);
  program.kill();
  return subject;
}

describe("a server with contexts", () => {
  test("shows openssl the certificate of the name that it asks for, or its own", () => {
    const server = listen({ host: "127.0.0.1", tls });
    for (const [name, subject] of CASES)
      expect([name, subjectFor(server, "-servername", name)]).toEqual([name, subject]);
    expect(subjectFor(server, "-noservername")).toBe("default");
    expect(subjectFor(server, "-servername", "a.example.org", "-tls1_2")).toBe("exact");
    server.close();
  });

  test("is verified by a client for each name", () => {
    const server = listen({ host: "127.0.0.1", tls });
    for (const servername of ["a.example.org", "other.example.org", "localhost"]) {
      const client = connect({
        host: "127.0.0.1",
        port: server.port,
        tls: { ca: authority.cert, servername },
        timeout: 5000,
      });
      expect(client.authorized).toBe(true);
      client.close();
    }
    server.close();
  });

  test("resumes sessions of clients with certificates", () => {
    const { cert, key } = authority.issue({ subject: "a client" });
    const server = listen({ host: "127.0.0.1", tls: { ...tls, ca: authority.cert, requestCert: true } });
    const reused = [1, 2, 3].map(() => {
      const client = connect({
        host: "127.0.0.1",
        port: server.port,
        tls: { ca: authority.cert, cert, key, servername: "a.example.org", maxVersion: "TLSv1.2" },
        timeout: 5000,
      });
      const there = acceptFrom(server);
      expect(there.authorized).toBe(true);
      there.writeAll("x\n", 1000);
      expect(client.readLine(5000)).toBe("x");
      client.close();
      there.close();
      return client.sessionReused;
    });
    expect(reused[0]).toBe(false);
    expect(reused.at(-1)).toBe(true);
    server.close();
  });

  test("does the same with startTls", () => {
    const server = listen({ host: "127.0.0.1" });
    const source = `
      import net from "node:net";
      import tls from "node:tls";
      const plain = net.connect(${server.port}, "127.0.0.1", () => {
        const socket = tls.connect({ socket: plain, servername: "other.example.org", rejectUnauthorized: false }, () => {
          console.log(socket.getPeerCertificate().subject.CN);
          socket.end("done\\n");
        });
        socket.resume();
      });`;
    const running = startNode(source);
    const there = acceptFrom(server);
    there.startTls(tls, 10_000);
    expect(there.readLine(5000)).toBe("done");
    there.end();
    expect(running.waitForOutput(/^wild$/m)[0]).toBe("wild");
    running.waitForExit();
    there.close();
    server.close();
  });
});

describe("wrong contexts are refused before anything happens:", () => {
  const refused = (contexts: unknown): (() => TcpServer) => {
    return () => listen({ host: "127.0.0.1", tls: { ...own, contexts } as ServerTlsOptions });
  };

  test.each([
    ["no object", 5, TypeError],
    ["an identity that is none", { "a.example.org": "cert" }, TypeError],
    ["an unknown option", { "a.example.org": { ...own, crt: "" } }, /did you mean cert/],
    ["a key that is no text", { "a.example.org": { ...own, key: 5 } }, TypeError],
    ["a star elsewhere", { "a.*.org": own }, RangeError],
    ["a star alone", { "*": own }, RangeError],
    ["an IP, which no client asks for", { "127.0.0.1": own }, /no IP/],
    ["an IPv6 IP", { "::1": own }, /no IP/],
    ["a dot at the end", { "a.example.org.": own }, /without a dot/],
    ["a name twice", { "a.example.org": own, "A.example.org": own }, /another context for a\.example\.org/],
  ] as const)("%s", (_what, contexts, error) => {
    expect(refused(contexts)).toThrow(error as never);
  });

  test("an identity without a key, and one that can't be used", () => {
    expect(errorOf(refused({ "a.example.org": { cert: own.cert } })).code).toBe("ERR_TLS_NO_CERTIFICATE");
    expect(errorOf(refused({ "a.example.org": { cert: "no PEM", key: "no PEM" } })).message).toMatch(/PEM|ASN/i);
  });

  test("contexts of a client", () => {
    expect(() => connect({ port: 1, tls: { contexts: {} } as never })).toThrow(/only servers/);
  });
});
