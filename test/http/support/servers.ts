/**
 * HTTP servers for tests, each in its own process.
 */

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "ringnet";
import { temporaryFolder } from "../../support/folders.js";
import { closedPort } from "../../support/ports.js";
import { node, Process, root } from "../../support/processes.js";

export interface Server {
  readonly process: Process;
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
}

function started(program: string, argument: string, origin = "http://127.0.0.1"): Server {
  const server = new Process(node, [join(root, "test/http/support", program), argument], {
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

/** See node-server.js. With `cert` and `key` (PEM texts) it serves HTTPS, and its origin has the host `localhost`. */
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

/** Blocks until a server listens on `port`. */
export function waitForPort(server: Process, port: number, host = "127.0.0.1"): void {
  server.waitUntil(`port ${port} of`, () => {
    const socket = connect({ host, port });
    const status = socket.waitUntilConnected(1000);
    socket.close();
    return status === "success";
  });
}

/** Apache with files, CGI and a few paths that answer by rules; serves the folder `files`. */
export function startApache(): Server & { files: string } {
  const folder = temporaryFolder();
  const files = join(folder, "files");
  mkdirSync(files);
  const port = closedPort();
  const modules = "mpm_event authz_core dir mime alias deflate filter headers rewrite cgid";
  const load = modules
    .split(" ")
    .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
    .join("\n");
  const config = join(folder, "apache.conf");
  writeFileSync(
    config,
    `${load}
     ServerName localhost
     Listen 127.0.0.1:${port}
     ServerRoot ${folder}
     PidFile ${join(folder, "pid")}
     ErrorLog ${join(folder, "errors")}
     ScriptSock ${join(folder, "cgisock")}
     ${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
     TypesConfig /etc/mime.types
     DocumentRoot ${files}
     AddOutputFilterByType DEFLATE text/plain application/json
     Redirect 301 /moved /text
     Redirect 410 /gone
     <Directory ${files}>
       Require all granted
       Options +ExecCGI
       AddHandler cgi-script .cgi
     </Directory>`,
  );
  chmodSync(folder, 0o755);
  const server = new Process("apache2", ["-DFOREGROUND", "-f", config]);
  waitForPort(server, port);
  return { process: server, port, origin: `http://127.0.0.1:${port}`, files };
}

/** squid as a forwarding proxy without a cache. */
export function startSquid(extra = ""): Server {
  const folder = temporaryFolder();
  const port = closedPort();
  const config = join(folder, "squid.conf");
  chmodSync(folder, 0o777);
  writeFileSync(
    config,
    `http_port 127.0.0.1:${port}
     ${extra}
     http_access allow all
     cache deny all
     cache_mem 8 MB
     access_log none
     cache_log ${join(folder, "log")}
     pid_filename ${join(folder, "pid")}
     coredump_dir ${folder}
     pinger_enable off
     shutdown_lifetime 0 seconds`,
  );
  const server = new Process("squid", ["-N", "-f", config]);
  waitForPort(server, port);
  return { process: server, port, origin: `http://127.0.0.1:${port}` };
}

/** tinyproxy, with a user name and a password if they are given. */
export function startTinyproxy(user?: string, password?: string): Server {
  const folder = temporaryFolder();
  const port = closedPort();
  const config = join(folder, "tinyproxy.conf");
  const auth = user === undefined ? "" : `BasicAuth ${user} ${password}`;
  writeFileSync(config, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Critical\n${auth}\n`);
  const server = new Process("tinyproxy", ["-d", "-c", config]);
  waitForPort(server, port);
  return { process: server, port, origin: `http://127.0.0.1:${port}` };
}

/** Dante: a SOCKS server for this machine's addresses. */
export function startDante(): Server {
  const folder = temporaryFolder();
  const port = closedPort();
  const config = join(folder, "danted.conf");
  const user = process.getuid?.() === 0 ? "root" : String(process.env.USER);
  writeFileSync(
    config,
    `logoutput: ${join(folder, "log")}
     internal: 127.0.0.1 port = ${port}
     external: 127.0.0.1
     socksmethod: none
     clientmethod: none
     user.privileged: ${user}
     user.unprivileged: ${user}
     client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
     socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }`,
  );
  const server = new Process("danted", ["-N", "1", "-f", config, "-p", join(folder, "pid")]);
  waitForPort(server, port);
  return { process: server, port, origin: `socks5h://127.0.0.1:${port}` };
}

/** microsocks, with a user name and a password if they are given. */
export function startSocks(user?: string, password?: string): Server {
  const port = closedPort();
  const auth = user === undefined ? [] : ["-u", user, "-P", password as string];
  const server = new Process("microsocks", ["-i", "127.0.0.1", "-p", `${port}`, ...auth]);
  waitForPort(server, port);
  return { process: server, port, origin: `socks5h://127.0.0.1:${port}` };
}
