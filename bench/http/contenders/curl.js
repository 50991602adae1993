/** curl: a process for each call. Bodies that are thrown away go to /dev/null, without a way through Node. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ca = process.env.NODE_EXTRA_CA_CERTS;
const always = ["-sS", "--noproxy", "*", ...(ca ? ["--cacert", ca] : [])];

/** @param {string[]} words */
const curl = (...words) => execFileSync("curl", [...always, ...words], { maxBuffer: 1 << 30 });

/** The body of the last POST as a file: curl takes it from there. */
let sent = { body: /** @type {Uint8Array} */ (new Uint8Array(0)), file: "" };

/** @param {Uint8Array} body */
function fileOf(body) {
  if (sent.body !== body) {
    const folder = mkdtempSync(join(tmpdir(), "ringnet-bench-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    sent = { body, file: join(folder, "body") };
    writeFileSync(sent.file, body);
  }
  return sent.file;
}

/** @type {import("../contract.js").HttpContender} */
export default {
  get: (url) => curl(url),
  many(url, count) {
    const format = ["-o", "/dev/null", "-w", "%{size_download}\n"];
    const sizes = curl("--parallel", "--parallel-max", "10", ...format, `${url}?[1-${count}]`);
    return String(sizes)
      .trim()
      .split("\n")
      .reduce((sum, size) => sum + Number(size), 0);
  },
  read: (url) => Number(String(curl("-o", "/dev/null", "-w", "%{size_download}", url))),
  post: (url, body) => {
    const file = fileOf(body);
    return Number(String(curl("-o", "/dev/null", "-w", "%{http_code}", "--data-binary", `@${file}`, url)));
  },
};
