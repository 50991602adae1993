/** sync-request: a process with then-request, which it starts at the first call and keeps. */
import request from "sync-request";

/** @param {string} url */
const get = (url) => /** @type {Buffer} */ (request.default("GET", url).getBody());

/** @type {import("../contract.js").HttpContender} */
export default {
  get,
  read: (url) => get(url).length,
  post: (url, body) =>
    request.default("POST", url, { body: Buffer.from(body.buffer, body.byteOffset, body.length) }).statusCode,
};
