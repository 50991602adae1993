/**
 * Each TLS option × absent, undefined, null, empty and wrong values: the outcome is that of `node:tls` in the same program. Where ringnet
 * refuses what Node takes, the table says so.
 */

import { describe, expect, test } from "vitest";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { Authority, fileOf } from "./support/certificates.js";

const authority = new Authority("the authority of the options");
const identity = authority.issue({ names: ["localhost"] });
const client = authority.issue({ names: ["client"] });
const own = { key: identity.key, cert: identity.cert };
const peer = startPeer("echo", { tls: own });

/** Marks values, given as source text, that throw a `TypeError` or `RangeError` here although Node takes them. */
const STRICTER = "refused here";
const EMPTY = ["undefined", "null", '""', "Buffer.alloc(0)", "[]"];
const CLIENT: [option: string, value: string, stricter?: typeof STRICTER][] = [
  ...[...EMPTY, '[""]', '"rubbish"', "authority"].map((value): [string, string] => ["ca", value]),
  ...[...EMPTY, '"rubbish"'].map((value): [string, string] => ["cert", value]),
  ...[...EMPTY, '"rubbish"'].map((value): [string, string] => ["key", value]),
  ["passphrase", "undefined"],
  ["passphrase", "null"],
  ["passphrase", '""'],
  ["pfx", "undefined"],
  ["pfx", "null"],
  ["pfx", "Buffer.alloc(0)"],
  ["pfx", 'Buffer.from("rubbish")'],
  ["servername", "undefined"],
  ["servername", "null"],
  ["servername", '""'],
  ["servername", '"other.test"'],
  ["servername", '"localhost."'],
  ["ALPNProtocols", "undefined"],
  ["ALPNProtocols", "null"],
  ["ALPNProtocols", "[]"],
  ["minVersion", "undefined"],
  ["minVersion", "null"],
  ["minVersion", '""'],
  ["minVersion", '"TLSv9"'],
  ["maxVersion", "undefined"],
  ["maxVersion", "null"],
  ["maxVersion", '""'],
  ["ciphers", "undefined"],
  ["ciphers", "null"],
  ["ciphers", '""'],
  ["ciphers", '"NONE-SUCH"'],
  ["rejectUnauthorized", "undefined"],
  ["rejectUnauthorized", "null", STRICTER],
  ["rejectUnauthorized", "0", STRICTER],
  ["rejectUnauthorized", "false"],
];

const OUTCOME = `
  // "trusted" or "refused": the verdict on the peer's certificate; "bad" if the option itself was refused.
  const TRUST = /UNABLE_TO|SELF_SIGNED|ALTNAME|CERT_/;
  const judge = (error) => (TRUST.test(error.code) ? "refused" : "bad");`;

describe.each(["trusted by Node's own roots", "trusted by nothing but ca"])("a client of a server %s", (roots) => {
  const env = roots.startsWith("trusted by Node") ? { NODE_EXTRA_CA_CERTS: fileOf(authority.cert) } : {};
  const { output, errors } = runProgram(
    `import tls from "node:tls";
    import { connect } from "ringnet";
    ${OUTCOME}
    const authority = ${JSON.stringify(authority.cert)};
    const byNode = (options) => new Promise((done) => {
      try {
        const socket = tls.connect({ host: "localhost", port: ${peer.port}, ...options }, () => {
          done(socket.authorized ? "trusted" : "unverified");
          socket.destroy();
        });
        socket.on("error", (error) => done(judge(error)));
      } catch (error) {
        done(judge(error));
      }
    });
    const here = (tls) => {
      try {
        const socket = connect({ host: "localhost", port: ${peer.port}, tls, timeout: 10000 });
        const outcome = socket.authorized ? "trusted" : "unverified";
        socket.close();
        return outcome;
      } catch (error) {
        return judge(error);
      }
    };
    const rows = [{}, ${CLIENT.map(([option, value]) => `{ ${option}: ${value} }`).join(", ")}];
    for (const options of rows) console.log(JSON.stringify([await byNode(options), here(options)]));`,
    { env, timeout: 60_000 },
  );
  const lines = output.trim().split("\n");

  test("the program ran", () => {
    expect(errors).toBe("");
    expect(lines).toHaveLength(CLIENT.length + 1);
    expect(JSON.parse(lines[0] as string)).toEqual(
      env.NODE_EXTRA_CA_CERTS ? ["trusted", "trusted"] : ["refused", "refused"],
    );
  });

  test.each(CLIENT.map((row, i) => [...row, i + 1] as const))("%s: %s", (...row) => {
    const [byNode, here] = JSON.parse(lines[row.at(-1) as number] as string);
    expect(here).toBe(row[2] === STRICTER ? "bad" : byNode);
  });
});

const SERVER = [...EMPTY, '[""]', "authority"].map((value) => `{ ca: ${value} }`);

describe("a server with requestCert", () => {
  const { output, errors } = runProgram(
    `import tls from "node:tls";
    import { connect, listen } from "ringnet";
    import { runBlockingClient } from ${JSON.stringify(new URL("support/client-of-both.js", import.meta.url).href)};
    const authority = ${JSON.stringify(authority.cert)};
    const own = ${JSON.stringify(own)};
    for (const options of [{}, ${SERVER.join(", ")}]) {
      const common = { ...own, requestCert: true, rejectUnauthorized: false, ...options };
      const server = listen({ host: "127.0.0.1", tls: common });
      const asked = runBlockingClient(server.port);
      const socket = server.acceptWait(10000);
      const here = socket.authorized;
      socket.close();
      server.close();
      await asked;
      const byNode = await new Promise((done) => {
        const other = tls.createServer(common, (client) => {
          done(client.authorized);
          client.destroy();
          other.close();
        });
        other.listen(0, "127.0.0.1", () => void runBlockingClient(other.address().port));
      });
      console.log(JSON.stringify([byNode, here]));
    }`,
    {
      env: { NODE_EXTRA_CA_CERTS: fileOf(authority.cert), CLIENT: JSON.stringify({ ...client, ca: authority.cert }) },
      timeout: 60_000,
    },
  );
  const lines = output.trim().split("\n");

  test("the program ran", () => {
    expect(errors).toBe("");
    expect(lines).toHaveLength(SERVER.length + 1);
  });

  test.each(["{}", ...SERVER].map((row, i) => [row, i] as const))("%s trusts the clients that Node trusts", (_, i) => {
    expect(errors).toBe("");
    const [byNode, here] = JSON.parse(lines[i] as string);
    expect(here).toBe(byNode);
  });

  test("an empty list trusts no client, and Node's roots do", () => {
    expect(lines.map((line) => JSON.parse(line)[1])).toContain(false);
    expect(lines.map((line) => JSON.parse(line)[1])).toContain(true);
  });
});
