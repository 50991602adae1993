/**
 * examples/https-get.js against nginx and node:https.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { get } from "../../examples/https-get.js";
import { temporaryFolder } from "../support/folders.js";
import { Process } from "../support/processes.js";
import { startProgram } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";
import { Authority, type Identity } from "../tls/support/certificates.js";
import { startNginx } from "../tls/support/servers.js";

let authority: Authority;
let identity: Identity;
let nginx: number;

beforeAll(() => {
  authority = new Authority("root of the examples");
  identity = authority.issue({ names: ["localhost"], ips: ["127.0.0.1"] });
  nginx = startNginx({ site: { identity } }).ports.site;
});

test("the program prints the body, and the status and the protocol on stderr", () => {
  const args = ["examples/https-get.js", `https://localhost:${nginx}/facts?x=1`, authority.certPath];
  const program = new Process(process.execPath, args);
  program.waitForExit();
  expect(program.errors).toMatch(/^200 over TLSv1\.[23], .*, \d+ bytes\n$/);
  expect(program.output).toMatch(/^TLSv1\.[23] . localhost NONE\n$/);
});

test("returns a body of known length, and a status of 404", () => {
  const { status, headers, body } = get(`https://localhost:${nginx}/site.pem`, authority.certPath);
  expect(status).toBe(200);
  expect(body).toHaveLength(Number(headers.get("content-length")));
  expect(String(body)).toContain("BEGIN CERTIFICATE");
  expect(get(`https://127.0.0.1:${nginx}/nothing`, authority.certPath).status).toBe(404);
});

test("returns a chunked body, and one that ends with the connection", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "options.json"), JSON.stringify({ cert: identity.cert, key: identity.key }));
  const server = startProgram(
    `import { readFileSync } from "node:fs";
    import https from "node:https";
    const options = JSON.parse(readFileSync(process.argv[1]));
    https.createServer(options, (request, response) => {
      if (request.url === "/end") response.socket.end("HTTP/1.1 200 OK\\r\\n\\r\\n" + "e".repeat(5000));
      else {
        for (let i = 0; i < 20; i++) response.write("c".repeat(i * 1000));
        response.end();
      }
    }).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`,
    { args: [join(folder, "options.json")] },
  );
  const [port] = server.waitForOutput(/^\d+$/m);
  const chunked = get(`https://localhost:${port}/`, authority.certPath);
  expect(chunked.headers.get("transfer-encoding")).toBe("chunked");
  expect(String(chunked.body)).toBe("c".repeat(190_000));
  expect(String(get(`https://localhost:${port}/end`, authority.certPath).body)).toBe("e".repeat(5000));
});

test("reports an untrusted certificate, a wrong name and a refused connection", () => {
  expect(errorOf(() => get(`https://localhost:${nginx}/`)).code).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
  const other = startNginx({ site: { identity: authority.issue({ names: ["other.test"] }) } });
  const error = errorOf(() => get(`https://localhost:${other.ports.site}/`, authority.certPath));
  expect(error.code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  const program = new Process(process.execPath, ["examples/https-get.js", "https://127.0.0.1:1/"]);
  program.waitForExit();
  expect(program.errors).toContain("ECONNREFUSED");
});
