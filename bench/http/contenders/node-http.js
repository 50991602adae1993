/** Async node:http and node:https. */
import http from "node:http";
import https from "node:https";

const agents = {
  "http:": new http.Agent({ keepAlive: true, maxSockets: 10 }),
  "https:": new https.Agent({ keepAlive: true, maxSockets: 10 }),
};

/**
 * @param {string} url @param {string} method @param {Uint8Array | null} body @param {(bytes: Buffer) => void} onData
 * @returns {Promise<number>} the status
 */
function send(url, method, body, onData) {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith("https:");
    const agent = agents[secure ? "https:" : "http:"];
    const headers = body === null ? {} : { "content-length": body.length };
    const request = (secure ? https : http).request(url, { agent, method, headers }, (response) => {
      response.on("data", onData);
      response.on("end", () => resolve(response.statusCode ?? 0)).on("error", reject);
    });
    request.on("error", reject);
    if (body === null) request.end();
    else request.end(body);
  });
}

/** @type {import("../contract.js").HttpContender} */
const nodeHttp = {
  async get(url) {
    /** @type {Buffer[]} */
    const pieces = [];
    await send(url, "GET", null, (bytes) => pieces.push(bytes));
    return pieces.length === 1 ? /** @type {Buffer} */ (pieces[0]) : Buffer.concat(pieces);
  },
  async many(url, count) {
    const bodies = await Promise.all(Array.from({ length: count }, () => nodeHttp.get(url)));
    return bodies.reduce((sum, body) => sum + body.length, 0);
  },
  async read(url) {
    let length = 0;
    await send(url, "GET", null, (bytes) => {
      length += bytes.length;
    });
    return length;
  },
  post: (url, body) => send(url, "POST", body, () => {}),
};
export default nodeHttp;
