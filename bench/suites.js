/**
 * The suites: sockets, HTTP and WebSockets. Each has its contenders, its loads and its own servers; bench/run.js has the rounds.
 */
import { http } from "./http/suite.js";
import { sockets } from "./sockets.js";
import { websocket } from "./websocket/suite.js";

/** @typedef {import("./contenders/index.js").Contender} Contender */
/** @typedef {import("./contenders/contract.js").Result} Result */
/** @typedef {{ built: ReturnType<typeof import("./build.js").build>, seconds: number }} Setting */

/**
 * @typedef {object} AnyLoad
 * @property {string} name
 * @property {string} title
 * @property {import("./contenders/contract.js").Metric[]} metrics
 * @property {number} [rounds] the most rounds, for loads that take long
 */

/**
 * A suite whose servers run.
 * @template L
 * @typedef {object} Running
 * @property {(contender: Contender, load: L) => string | null} lack why a contender can't do a load on this machine, or null
 * @property {(load: L, contender: string) => Promise<Result>} trial throws, with the reason, when the contender could not do it
 * @property {() => void} stop
 */

/**
 * @template L
 * @typedef {object} Suite
 * @property {string} name
 * @property {Contender[]} contenders
 * @property {L[]} loads
 * @property {string[]} rivals contenders with a column that says how much better ringnet is
 * @property {(setting: Setting) => Promise<Running<L>>} start throws, with the reason, where its server can't run
 */

export const suites = /** @type {Suite<AnyLoad>[]} */ (/** @type {unknown} */ ([sockets, http, websocket]));
