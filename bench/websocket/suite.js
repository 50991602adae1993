/** WebSockets against a server of ws. Runs in the orchestrator. */
import { fileURLToPath } from "node:url";
import { Program } from "../peers/process.js";
import { loads } from "./loads.js";

/** Seconds without output after which a program is ended. */
const PATIENCE = 40;

/** @param {string} name */
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** @type {import("../suites.js").Suite<import("./loads.js").WebSocketLoad>} */
export const websocket = {
  name: "websocket",
  contenders: [
    { name: "ringnet", title: "ringnet", core: true, about: "ringnet/websocket, default settings", lacks: {} },
    { name: "ws", title: "ws", core: true, about: "async ws", lacks: {} },
  ],
  loads,
  rivals: ["ws"],

  async start({ seconds }) {
    const server = new Program([process.execPath, here("server.js")]);
    const { port } = await server.message(PATIENCE);
    return {
      lack: () => null,
      async trial(load, contender) {
        const words = [here("measure.js"), load.name, contender, `ws://127.0.0.1:${port}/`, `${seconds}`];
        const program = new Program([process.execPath, "--no-warnings", ...words]);
        try {
          const { at, ...result } = await program.message(PATIENCE);
          return result;
        } finally {
          program.stop();
          await program.end(5);
        }
      },
      stop: () => server.stop(),
    };
  },
};
