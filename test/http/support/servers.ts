/**
 * Servers of HTTP for tests, in processes of their own.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "ringnet";
import { temporaryFolder } from "../../support/folders.js";
import { closedPort } from "../../support/ports.js";
import { Process, root } from "../../support/processes.js";

export interface Server {
  readonly process: Process;
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
}

function started(program: string, argument: string, origin = "http://127.0.0.1"): Server {
  const server = new Process(process.execPath, [join(root, "test/http/support", program), argument], {
    env: { NODE_OPTIONS: undefined },
  });
  const port = Number((server.waitForOutput(/^(\d+)\n/) as RegExpExecArray)[1]);
  return { process: server, port, origin: `${origin}:${port}` };
}

/** See raw-server.js. */
export function startRawServer(table: Record<string, string>): Server {
  const path = join(temporaryFolder(), "table.json");
  writeFileSync(path, JSON.stringify(table));
  return started("raw-server.js", path);
}

/** See node-server.js. `cert` and `key` are PEM texts; it speaks HTTPS then, and its origin is that of `localhost`. */
export function startNodeServer(options: { cert?: string; key?: string; keepAliveTimeout?: number } = {}): Server {
  const { cert, key, ...rest } = options;
  if (cert === undefined || key === undefined) return started("node-server.js", JSON.stringify(rest));
  const folder = temporaryFolder();
  writeFileSync(join(folder, "cert"), cert);
  writeFileSync(join(folder, "key"), key);
  const paths = { ...rest, cert: join(folder, "cert"), key: join(folder, "key") };
  return started("node-server.js", JSON.stringify(paths), "https://localhost");
}

/** nginx with `extra` directives in its server; serves the folder `files`. */
export function startNginx(extra = ""): Server & { files: string } {
  const folder = temporaryFolder();
  const files = join(folder, "files");
  mkdirSync(files);
  const port = closedPort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(" ");
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, "pid")}; error_log ${join(folder, "errors")};
     ${process.getuid?.() === 0 ? "user root;" : ""}
     events { worker_connections 512; }
     http { access_log off; ${temporary} gzip on; gzip_types *; gzip_min_length 2000; client_max_body_size 100m;
       keepalive_requests 100000;
       server { listen 127.0.0.1:${port}; root ${files}; ${extra} } }`,
  );
  const server = new Process("nginx", ["-c", config, "-e", join(folder, "errors")]);
  waitForPort(server, port);
  return { process: server, port, origin: `http://127.0.0.1:${port}`, files };
}

/** Blocks until somebody listens on `port`. */
export function waitForPort(server: Process, port: number, host = "127.0.0.1"): void {
  server.waitUntil(`port ${port} of`, () => {
    const socket = connect({ host, port });
    const status = socket.waitUntilConnected(1000);
    socket.close();
    return status === "success";
  });
}
