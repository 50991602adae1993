/** This package. */
import { createHttpClient } from "../../../dist/http.mjs";

/** ms for a request. */
const PATIENCE = 30_000;
const client = createHttpClient({ connections: 10, timeout: PATIENCE, proxy: null });
const target = Buffer.alloc(64 << 10);

/** @type {import("../contract.js").HttpContender} */
export default {
  get: (url) => client.fetch(url).bytes(),
  many(url, count) {
    const responses = Array.from({ length: count }, () => client.fetch(url));
    return responses.reduce((sum, response) => sum + response.bytes().length, 0);
  },
  read(url) {
    const response = client.fetch(url);
    let length = 0;
    for (;;) {
      const read = response.readInto(target);
      if (read === null) return length;
      if (read === 0) response.waitUntilReadable(PATIENCE);
      length += read;
    }
  },
  post: (url, body) => {
    const response = client.fetch(url, { method: "POST", body });
    response.bytes();
    return response.status;
  },
};
