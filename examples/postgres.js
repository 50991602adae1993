// A blocking PostgreSQL client. The wire format comes from the library pg-protocol, which does not use sockets: it makes messages and
// parses them. The rest is here: connect, log in (also with SCRAM-SHA-256), ask, and block for the answer.
//
//   PGHOST=127.0.0.1 PGPORT=5432 PGUSER=me PGPASSWORD=secret PGDATABASE=me node examples/postgres.js
//
// PGHOST may be the folder of a Unix domain socket, such as /var/run/postgresql. Needs `npm install pg-protocol`.

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { EventEmitter } from "node:events";
import { parse, serialize } from "pg-protocol";
import { connect } from "ringnet";

export class Postgres {
  #socket;
  #timeout;
  #user;
  /** The parser takes its bytes from a stream; this is all of one that it needs. */
  #bytes = new EventEmitter();
  /** Parsed messages; the ones before `#taken` have been handled. */
  #messages = [];
  #taken = 0;

  constructor({ host = "127.0.0.1", port = 5432, user, password = "", database = user, timeout = 10_000 }) {
    this.#timeout = timeout;
    this.#user = user;
    const where = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
    this.#socket = connect({ ...where, timeout });
    parse(this.#bytes, (message) => this.#messages.push(message));
    this.#send(serialize.startup({ user, database }));
    this.#logIn(password);
    this.#answer();
  }

  /**
   * Runs a query and blocks for its rows, which are objects. With `values` it goes through the extended protocol, and `$1`, `$2`, … are
   * these; without, through the simple one. A failed query is thrown as pg-protocol's `DatabaseError`; the connection stays usable.
   */
  query(text, values) {
    if (values === undefined) {
      this.#send(serialize.query(text));
    } else {
      const { parse, bind, describe, execute, sync } = serialize;
      const texts = values.map((value) => (value === null ? null : value instanceof Buffer ? value : String(value)));
      this.#send(parse({ text }), bind({ values: texts }), describe({ type: "P" }), execute(), sync());
    }
    return this.#answer();
  }

  close() {
    this.#send(serialize.end());
    this.#socket.close();
  }

  #send(...messages) {
    this.#socket.writeAll(Buffer.concat(messages), this.#timeout);
  }

  /** The next message: this is where a query blocks. */
  #next() {
    while (this.#taken === this.#messages.length) {
      this.#messages.length = this.#taken = 0;
      if (!this.#socket.waitUntilReadable(this.#timeout)) throw new Error(`no answer within ${this.#timeout} ms`);
      const bytes = this.#socket.read();
      if (bytes === null) throw new Error("the server has ended the connection");
      this.#bytes.emit("data", bytes);
    }
    return this.#messages[this.#taken++];
  }

  /** Everything up to the server's "ready for the next query". */
  #answer() {
    const result = { rows: [], command: "" };
    let fields = [];
    let failure = null;
    for (;;) {
      const message = this.#next();
      switch (message.name) {
        case "rowDescription":
          fields = message.fields;
          break;
        case "dataRow":
          result.rows.push(
            Object.fromEntries(fields.map((field, i) => [field.name, decoded(field, message.fields[i])])),
          );
          break;
        case "commandComplete":
          result.command = message.text;
          break;
        case "error":
          if (message.severity === "FATAL") throw message; // the server ends the connection, too
          failure = message;
          break;
        case "readyForQuery":
          if (failure !== null) throw failure;
          return result;
      }
    }
  }

  #logIn(password) {
    for (;;) {
      const message = this.#next();
      switch (message.name) {
        case "authenticationOk":
          return;
        case "authenticationCleartextPassword":
          this.#send(serialize.password(password));
          break;
        case "authenticationMD5Password": {
          const md5 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("md5")).digest("hex");
          this.#send(serialize.password(`md5${md5(md5(password, this.#user), message.salt)}`));
          break;
        }
        case "authenticationSASL":
          this.#scram(password, message.mechanisms);
          break;
        case "error":
          throw message;
      }
    }
  }

  /** SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove that they know the password without sending it. */
  #scram(password, mechanisms) {
    if (!mechanisms.includes("SCRAM-SHA-256")) throw new Error(`none of ${mechanisms} is known here`);
    const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
    const nonce = randomBytes(18).toString("base64");
    const first = `n=,r=${nonce}`; // PostgreSQL takes the user's name from the start-up message
    this.#send(serialize.sendSASLInitialResponseMessage("SCRAM-SHA-256", `n,,${first}`));

    const challenge = this.#expect("authenticationSASLContinue").data;
    const { r: bothNonces, s: salt, i: rounds } = attributesOf(challenge);
    if (!bothNonces.startsWith(nonce)) throw new Error("the server's nonce does not continue ours");
    const salted = pbkdf2Sync(password.normalize("NFKC"), Buffer.from(salt, "base64"), Number(rounds), 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const last = `c=biws,r=${bothNonces}`; // "biws" is "n,," in base64: no channel binding
    const transcript = `${first},${challenge},${last}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), transcript);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i])).toString("base64");
    this.#send(serialize.sendSCRAMClientFinalMessage(`${last},p=${proof}`));

    const { v: verifier } = attributesOf(this.#expect("authenticationSASLFinal").data);
    if (!timingSafeEqual(Buffer.from(verifier, "base64"), hmac(hmac(salted, "Server Key"), transcript))) {
      throw new Error("the server does not know the password");
    }
  }

  #expect(name) {
    const message = this.#next();
    if (message.name === "error") throw message;
    if (message.name !== name) throw new Error(`${message.name} came instead of ${name}`);
    return message;
  }
}

/** `a=1,b=2` as an object. */
function attributesOf(text) {
  return Object.fromEntries(text.split(",").map((part) => [part[0], part.slice(2)]));
}

/** Values come as text. Types by the numbers that `SELECT oid, typname FROM pg_type` gives. */
function decoded({ dataTypeID }, text) {
  if (text === null) return null;
  switch (dataTypeID) {
    case 16: // bool
      return text === "t";
    case 17: // bytea
      return Buffer.from(text.slice(2), "hex");
    case 21: // int2
    case 23: // int4
    case 700: // float4
    case 701: // float8
      return Number(text);
    case 20: // int8
      return BigInt(text);
    case 114: // json
    case 3802: // jsonb
      return JSON.parse(text);
    default:
      return text;
  }
}

if (process.argv[1] === import.meta.filename) {
  const { PGHOST: host, PGPORT: port = "5432", PGUSER: user = process.env.USER, PGPASSWORD, PGDATABASE } = process.env;
  const database = new Postgres({ host, port: Number(port), user, password: PGPASSWORD, database: PGDATABASE });
  console.log(database.query("SELECT version()").rows[0].version);
  database.query("CREATE TEMPORARY TABLE planets (name text, moons int, ringed bool)");
  for (const planet of [
    ["Earth", 1, false],
    ["Saturn", 146, true],
    ["Merkur ☿", 0, false],
    ["Neptune", null, true],
  ]) {
    database.query("INSERT INTO planets VALUES ($1, $2, $3)", planet);
  }
  console.table(database.query("SELECT * FROM planets WHERE ringed = $1 ORDER BY name", [true]).rows);
  console.table(database.query("SELECT count(*) AS planets, sum(moons) AS moons FROM planets").rows);
  try {
    database.query("SELECT 1 / $1::int", [0]);
  } catch (error) {
    console.log(`${error.code}: ${error.message}`);
  }
  const begin = performance.now();
  for (let i = 0; i < 1000; i++) database.query("SELECT $1::int AS number", [i]);
  console.log(`1000 queries one at a time: ${Math.round(1000 / ((performance.now() - begin) / 1000))} a second`);
  database.close();
}
