/** nginx with what the loads of HTTP ask for. Runs in the orchestrator. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "../peers/process.js";
import { HUGE_BYTES, LARGE_BYTES, POST_BYTES, SMALL_BYTES } from "./loads.js";

/** How long nginx gets to listen, in ms. */
const PATIENCE = 10_000;

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/**
 * Starts it, with HTTPS if there is a certificate (paths).
 * @param {{ certificate: string, key: string } | null} certificate
 */
export async function startServer(certificate) {
  const folder = mkdtempSync(join(tmpdir(), "ringnet-bench-"));
  const files = join(folder, "files");
  mkdirSync(files);
  writeFileSync(join(files, "large"), Buffer.alloc(LARGE_BYTES, "x"));
  writeFileSync(join(files, "huge"), "");
  truncateSync(join(files, "huge"), HUGE_BYTES);
  const [port = 0, secure = 0, sink = 0] = [await freePort(), await freePort(), await freePort()];
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(" ");
  const tls = certificate
    ? `listen 127.0.0.1:${secure} ssl; ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key};`
    : "";
  const config = join(folder, "nginx.conf");
  // nginx answers a POST of its own before it has read the body; one that it forwards it reads first.
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, "pid")}; error_log ${join(folder, "errors")};
     ${process.getuid?.() === 0 ? "user root;" : ""}
     events { worker_connections 512; }
     http { access_log off; ${temporary} sendfile on; tcp_nopush on; keepalive_requests 100000000;
       client_max_body_size ${POST_BYTES}; client_body_buffer_size ${POST_BYTES};
       server { listen 127.0.0.1:${port}; ${tls} root ${files};
         location = /small { return 200 ${"x".repeat(SMALL_BYTES)}; }
         location = /post { proxy_pass http://127.0.0.1:${sink}; proxy_pass_request_body off; proxy_set_header Content-Length ""; } }
       server { listen 127.0.0.1:${sink}; location / { return 200 ok; } } }`,
  );
  const program = new Program(["nginx", "-c", config, "-e", join(folder, "errors")]);
  const stop = () => {
    program.child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  for (const end = performance.now() + PATIENCE; !(await accepts(port)); ) {
    if (performance.now() > end || program.text.length > 0) {
      stop();
      throw new Error(program.text.join(" ").trim() || "it does not listen");
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { origin: `http://127.0.0.1:${port}`, secure: `https://127.0.0.1:${secure}`, stop };
}
