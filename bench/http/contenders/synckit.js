/** The usual way to block in Node: each call is a message to a worker and a wait for the answer, by synckit. */
import { fileURLToPath } from "node:url";
import { createSyncFn } from "synckit";

const call = createSyncFn(fileURLToPath(new URL("./synckit-worker.js", import.meta.url)), 30_000);

/** @type {import("../contract.js").HttpContender} */
export default {
  get: (url) => call("get", url),
  many: (url, count) => call("many", url, count),
  read: (url) => call("read", url),
  post: (url, body) => call("post", url, body),
};
