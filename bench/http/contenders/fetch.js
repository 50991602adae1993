/** Node's own fetch. It does not limit its connections, so ten take turns at most. */

const CONNECTIONS = 10;

/** @type {import("../contract.js").HttpContender} */
const own = {
  async get(url) {
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
  },
  async many(url, count) {
    let started = 0;
    let length = 0;
    const turns = async () => {
      while (started < count) {
        started++;
        const body = await own.get(url);
        length += body.length;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, turns));
    return length;
  },
  async read(url) {
    const { body } = await fetch(url);
    let length = 0;
    for await (const bytes of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (body))) {
      length += bytes.length;
    }
    return length;
  },
  async post(url, body) {
    const response = await fetch(url, { method: "POST", body: /** @type {Uint8Array<ArrayBuffer>} */ (body) });
    await response.arrayBuffer();
    return response.status;
  },
};
export default own;
