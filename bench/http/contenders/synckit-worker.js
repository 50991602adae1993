/** The other half of the synckit contender: fetch in a worker. */
import { runAsWorker } from "synckit";
import own from "./fetch.js";

runAsWorker((/** @type {"get" | "many" | "read" | "post"} */ name, /** @type {[string, any]} */ ...rest) =>
  /** @type {any} */ (own[name])(...rest),
);
