/** HTTP against nginx: its contenders, loads, server and how one trial runs. Runs in the orchestrator. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Program } from "../peers/process.js";
import { contenders } from "./contenders/index.js";
import { loads } from "./loads.js";
import { startServer } from "./server.js";

/** Seconds without output after which a program is ended. */
const PATIENCE = 40;

/** @type {import("../suites.js").Suite<import("./contract.js").HttpLoad>} */
export const http = {
  name: "http",
  contenders,
  loads,
  rivals: ["undici", "node-http", "synckit", "sync-request", "sync-fetch"],

  async start({ built, seconds }) {
    const server = await startServer(built.certificate);
    const curl = spawnSync("curl", ["--version"], { stdio: "ignore" }).status === 0;
    return {
      lack(contender, load) {
        if (load.name.startsWith("https") && !built.certificate) return "no openssl to make a certificate";
        return contender.name === "curl" && !curl ? "no curl" : null;
      },
      async trial(load, contender) {
        const run = JSON.stringify({ origin: server.origin, secure: server.secure, seconds });
        const measure = fileURLToPath(new URL("./measure.js", import.meta.url));
        const flags = [...(load.nodeFlags ?? []), "--no-warnings", measure, load.name, contender, run];
        /** @type {Record<string, string>} */
        const trusted = load.name.startsWith("https")
          ? { NODE_EXTRA_CA_CERTS: built.certificate?.certificate ?? "" }
          : {};
        const program = new Program([process.execPath, ...flags], trusted);
        try {
          const { at, ...result } = await program.message(PATIENCE);
          return load.cold ? { ...result, wall: (at - program.started) / 1000 } : result;
        } finally {
          program.stop();
          await program.end(5);
        }
      },
      stop: server.stop,
    };
  },
};
