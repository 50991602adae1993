/**
 * Stock programs as TLS peers: openssl's s_server and s_client, and nginx.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folders.js";
import { closedPorts } from "../../support/ports.js";
import { node, Process, root } from "../../support/processes.js";
import type { Identity } from "./certificates.js";

export interface Program {
  process: Process;
  host: string;
  port: number;
}

/**
 * `openssl s_server` on 127.0.0.1; ready when this returns. It prints what arrives and sends what `send` gives it; a line `Q` makes it
 * end in good order. One client at a time.
 */
export function startOpensslServer(identity: Identity, ...args: string[]): Program {
  const files = ["-cert", identity.certPath, "-key", identity.keyPath];
  const process = new Process("openssl", ["s_server", "-accept", "127.0.0.1:0", ...files, ...args]);
  const port = Number(process.waitForOutput(/^ACCEPT 127\.0\.0\.1:(\d+)$/m)[1]);
  return { process, host: "127.0.0.1", port };
}

/** `openssl s_client` to a port of 127.0.0.1. It prints what arrives and sends what `send` gives it. */
export function startOpensslClient(port: number, ...args: string[]): Process {
  return new Process("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-no_ign_eof", ...args]);
}

/** A server that speaks plain text until a line `STARTTLS`; see starttls.js, also for its options. */
export function startStarttls(options: object): Program {
  const process = new Process(node, [join(root, "test/tls/support/starttls.js"), JSON.stringify(options)]);
  return { process, host: "127.0.0.1", port: Number(process.waitForOutput(/^port (\d+)$/m)[1]) };
}

export interface Site {
  identity: Identity;
  /** Added to the certificate that is shown: intermediate authorities. */
  chain?: readonly string[];
  /** Nginx's directives of the `server` block. */
  settings?: readonly string[];
}

/**
 * nginx on 127.0.0.1 with a port for each site; ready when this returns. `GET /facts` is answered by a line with nginx's facts about the
 * connection: protocol, whether the session was resumed (`r` or `.`), SNI, and how the client's certificate was found.
 */
export function startNginx<Name extends string>(
  sites: Record<Name, Site>,
): { process: Process; ports: Record<Name, number> } {
  const folder = temporaryFolder();
  const ports = {} as Record<Name, number>;
  const free = closedPorts(Object.keys(sites).length);
  const blocks = Object.entries<Site>(sites).map(([name, { identity, chain = [], settings = [] }]) => {
    const port = free.pop() as number;
    ports[name as Name] = port;
    const cert = join(folder, `${name}.pem`);
    writeFileSync(cert, [identity.cert, ...chain].join(""));
    return `server {
      listen 127.0.0.1:${port} ssl;
      ssl_certificate ${cert};
      ssl_certificate_key ${identity.keyPath};
      ${settings.map((setting) => `${setting};`).join("\n      ")}
      location = /facts { return 200 "$ssl_protocol $ssl_session_reused $ssl_server_name $ssl_client_verify\\n"; }
      location / { root ${folder}; }
    }`;
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off;
    master_process off;
    pid ${folder}/pid;
    error_log stderr notice;
    events {}
    http {
      access_log off;
      ${temporary.join(" ")}
      ${blocks.join("\n    ")}
    }`,
  );
  const process = new Process("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], {
    env: { PATH: `${globalThis.process.env.PATH}:/usr/sbin` },
  });
  process.waitUntil("the start of", () => /using the "/.test(process.errors)); // printed once it listens
  return { process, ports };
}
