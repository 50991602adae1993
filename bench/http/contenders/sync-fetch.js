/** sync-fetch: a process with node-fetch for each call. */
// @ts-expect-error it comes without types
import fetch from "sync-fetch";

/** @param {string} url @returns {Buffer} */
const get = (url) => fetch(url).buffer();

/** @type {import("../contract.js").HttpContender} */
export default {
  get,
  read: (url) => get(url).length,
  post: (url, body) =>
    fetch(url, { method: "POST", body: Buffer.from(body.buffer, body.byteOffset, body.length) }).status,
};
