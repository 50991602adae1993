/** Async undici. */
import { Agent, request } from "undici";

const dispatcher = new Agent({ connections: 10 });

/** @type {import("../contract.js").HttpContender} */
const undici = {
  async get(url) {
    const { body } = await request(url, { dispatcher });
    return new Uint8Array(await body.arrayBuffer());
  },
  async many(url, count) {
    const bodies = await Promise.all(Array.from({ length: count }, () => undici.get(url)));
    return bodies.reduce((sum, body) => sum + body.length, 0);
  },
  async read(url) {
    const { body } = await request(url, { dispatcher });
    let length = 0;
    body.on("data", (bytes) => {
      length += bytes.length;
    });
    await new Promise((resolve, reject) => body.on("end", resolve).on("error", reject));
    return length;
  },
  async post(url, body) {
    const response = await request(url, { dispatcher, method: "POST", body });
    await response.body.arrayBuffer();
    return response.statusCode;
  },
};
export default undici;
