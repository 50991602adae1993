// A blocking Redis client in a page: RESP, Redis's protocol, is lines and blobs, which `readLine` and `readExactly` are made for.
//
//   node examples/redis.js [host] [port]          needs a Redis server

import { connect } from "ringnet";

export class Redis {
  #socket;
  #timeout;

  constructor({ host = "127.0.0.1", port = 6379, timeout = 5000 } = {}) {
    this.#timeout = timeout;
    this.#socket = connect({ host, port, timeout });
  }

  /** Sends a command, and blocks for its reply: `redis.command("SET", "key", "value")`. A reply that is an error is thrown. */
  command(...words) {
    this.#send(encode(words));
    const reply = this.#reply();
    if (reply instanceof Error) throw reply;
    return reply;
  }

  /** Sends many commands in one go and then reads their replies: one round trip instead of one each. Errors are among the replies. */
  pipeline(commands) {
    // Replies are read while commands are still being sent: a server that can't get rid of its replies stops reading.
    const replies = [];
    for (const words of commands) {
      const bytes = encode(words);
      for (
        let sent = this.#socket.write(bytes);
        sent < bytes.length;
        sent += this.#socket.write(bytes.subarray(sent))
      ) {
        if (this.#socket.readable > 0) replies.push(this.#reply());
        else this.#socket.waitUntilWritable(this.#timeout);
      }
    }
    while (replies.length < commands.length) replies.push(this.#reply());
    return replies;
  }

  close() {
    this.#socket.close();
  }

  #send(bytes) {
    this.#socket.writeAll(bytes, this.#timeout);
  }

  /** One reply: a string, a number, a Buffer, null, an array, or an Error. */
  #reply() {
    const line = this.#socket.readLine(this.#timeout);
    if (line === null) throw new Error("the server has ended the connection");
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new Error(rest);
      case ":":
        return Number(rest);
      case "$": {
        if (rest === "-1") return null;
        const length = Number(rest);
        return this.#socket.readExactly(length + 2, this.#timeout).subarray(0, length);
      }
      case "*":
        return rest === "-1" ? null : Array.from({ length: Number(rest) }, () => this.#reply());
      default:
        throw new Error(`invalid RESP: ${line}`);
    }
  }
}

/** A command is an array of blobs. */
function encode(words) {
  const parts = [`*${words.length}\r\n`];
  for (const word of words) {
    const bytes = word instanceof Uint8Array ? word : String(word);
    parts.push(`$${Buffer.byteLength(bytes)}\r\n`, bytes, "\r\n");
  }
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

if (process.argv[1] === import.meta.filename) {
  const [host, port] = process.argv.slice(2);
  const redis = new Redis({ host, port: port && Number(port) });
  redis.command("DEL", "ringnet:greeting", "ringnet:count");
  console.log("SET", redis.command("SET", "ringnet:greeting", "grüß dich"));
  console.log("GET", String(redis.command("GET", "ringnet:greeting")));
  console.log("GET", redis.command("GET", "ringnet:nothing"));
  try {
    redis.command("INCR", "ringnet:greeting");
  } catch (error) {
    console.log("INCR", error.message);
  }
  for (const [what, count, run] of [
    ["one at a time", 1000, (commands) => commands.map((words) => redis.command(...words))],
    ["in a pipeline", 100_000, (commands) => redis.pipeline(commands)],
  ]) {
    const commands = Array.from({ length: count }, () => ["INCR", "ringnet:count"]);
    const begin = performance.now();
    const replies = run(commands);
    const rate = count / ((performance.now() - begin) / 1000);
    console.log(`${count} INCR ${what}: the last gave ${replies.at(-1)}, ${Math.round(rate)} a second`);
  }
  redis.command("DEL", "ringnet:greeting", "ringnet:count");
  redis.close();
}
