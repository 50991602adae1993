/**
 * examples/postgres.js against a PostgreSQL server.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Postgres } from "../../examples/postgres.js";
import { Process, root } from "../support/processes.js";
import { errorOf } from "../tcp/sockets.js";
import { type Server, startPostgres } from "./postgres.js";

describe("with passwords by SCRAM", () => {
  let server: Server;
  beforeAll(() => {
    server = startPostgres("scram-sha-256");
  }, 120_000);
  afterAll(() => server.stop());

  const open = (options = {}) =>
    new Postgres({
      host: "127.0.0.1",
      port: server.port,
      user: server.user,
      password: server.password,
      database: "postgres",
      ...options,
    });

  test("the program prints its results", () => {
    const env = { PGHOST: "127.0.0.1", PGPORT: `${server.port}`, PGUSER: server.user, PGPASSWORD: server.password };
    const program = new Process(process.execPath, ["examples/postgres.js"], {
      cwd: root,
      env: { ...env, PGDATABASE: "postgres" },
    });
    program.waitForExit(20_000);
    expect(program.errors).toBe("");
    expect(program.output).toMatch(/^PostgreSQL \d+/);
    expect(program.output).toMatch(/Neptune.*null.*true/);
    expect(program.output).toMatch(/4n.*147n/);
    expect(program.output).toContain("22012: division by zero");
    expect(program.output).toMatch(/1000 queries one at a time: \d+ a second/);
  });

  test("runs simple queries: one, several at once, and an empty one", () => {
    const database = open();
    expect(database.query("SELECT 1 AS one, 'zwei' AS two, NULL AS three").rows).toEqual([
      { one: 1, two: "zwei", three: null },
    ]);
    expect(database.query("CREATE TEMPORARY TABLE t (n int); INSERT INTO t VALUES (1), (2)").command).toBe(
      "INSERT 0 2",
    );
    expect(database.query("").rows).toEqual([]);
    database.close();
  });

  test("runs extended queries with values of many types", () => {
    const database = open();
    const text =
      "$1::int AS a, $2::text AS b, $3::bool AS c, $4::float8 AS d, $5::bytea AS e, $6::bigint AS f, $7::jsonb AS g";
    const bytes = Buffer.from([0, 1, 2, 255]);
    const values = [7, "grün", true, 0.5, bytes, 2n ** 60n, '{"x": [1]}'];
    expect(database.query(`SELECT ${text}`, values).rows).toEqual([
      { a: 7, b: "grün", c: true, d: 0.5, e: bytes, f: 2n ** 60n, g: { x: [1] } },
    ]);
    expect(database.query("SELECT $1::text IS NULL AS nothing", [null]).rows).toEqual([{ nothing: true }]);
    database.close();
  });

  test("returns a value of ten megabytes, and a hundred thousand rows", () => {
    const database = open();
    const [{ large }] = database.query("SELECT repeat('0123456789', 1000000) AS large").rows;
    expect(large).toHaveLength(10_000_000);
    const { rows } = database.query("SELECT n, n % 1000 AS rest FROM generate_series(1, 100000) AS n");
    expect(rows).toHaveLength(100_000);
    expect(rows[40_000]).toEqual({ n: 40_001, rest: 1 });
    database.close();
  });

  test("an error is thrown, and the next query works", () => {
    const database = open();
    expect(() => database.query("SELECT nonsense")).toThrow(/"nonsense" does not exist/);
    expect(() => database.query("SELECT $1::int", ["x"])).toThrow(/invalid input syntax/);
    expect(database.query("SELECT 1 AS one").rows).toEqual([{ one: 1 }]);
    database.close();
  });

  test("connects over a Unix domain socket", () => {
    const database = open({ host: server.folder });
    expect(database.query("SELECT inet_client_addr() AS address").rows).toEqual([{ address: null }]);
    database.close();
  });

  test("reports a wrong password, an unknown database and a refused connection", () => {
    expect(() => open({ password: "wrong" })).toThrow(/password authentication failed/);
    expect(() => open({ database: "none" })).toThrow(/"none" does not exist/);
    expect(errorOf(() => open({ port: 1 })).code).toBe("ECONNREFUSED");
  });
});

test("connects with a password by MD5", () => {
  const server = startPostgres("md5");
  const { port, user, password } = server;
  // The first user's password is stored for SCRAM, by default.
  const database = new Postgres({ port, user, password, database: "postgres" });
  database.query("SET password_encryption = 'md5'");
  database.query("CREATE ROLE old LOGIN PASSWORD 'alt'");
  database.close();
  const old = new Postgres({ port, user: "old", password: "alt", database: "postgres" });
  expect(old.query("SELECT current_user AS me").rows).toEqual([{ me: "old" }]);
  old.close();
  server.stop();
}, 120_000);
