/**
 * examples/redis.js against a redis-server.
 */

import { beforeAll, expect, test } from "vitest";
import { Redis } from "../../examples/redis.js";
import { Process } from "../support/processes.js";
import { startRedis } from "../support/programs.js";
import { errorOf } from "../tcp/sockets.js";

let port: number;
beforeAll(() => {
  port = startRedis().port;
});

test("the program prints its results", () => {
  const program = new Process(process.execPath, ["examples/redis.js", "127.0.0.1", `${port}`]);
  program.waitForExit(20_000);
  expect(program.errors).toBe("");
  expect(program.output).toContain("SET OK\nGET grüß dich\nGET null\nINCR ERR value is not an integer");
  expect(program.output).toMatch(/1000 INCR one at a time: the last gave 1000, \d+ a second/);
  expect(program.output).toMatch(/100000 INCR in a pipeline: the last gave 101000, \d+ a second/);
});

test("returns replies of each kind", () => {
  const redis = new Redis({ port });
  const blob = Buffer.from([0, 13, 10, 255, 36]);
  expect(redis.command("SET", "blob", blob)).toBe("OK");
  expect(redis.command("GET", "blob")).toEqual(blob);
  expect(redis.command("GET", "none")).toBeNull();
  expect(redis.command("RPUSH", "list", "a", "", "ü")).toBe(3);
  expect(redis.command("LRANGE", "list", 0, -1).map(String)).toEqual(["a", "", "ü"]);
  expect(redis.command("LRANGE", "none", 0, -1)).toEqual([]);
  expect(redis.command("EVAL", "return {1, {'x', false}}", 0)).toEqual([1, [Buffer.from("x"), null]]);
  expect(() => redis.command("INCR", "blob")).toThrow(/not an integer/);
  redis.close();
});

test("a pipeline may be longer than all buffers", () => {
  const redis = new Redis({ port });
  const value = "v".repeat(1000);
  const commands = Array.from({ length: 20_000 }, (_, i) => ["ECHO", `${i} ${value}`]);
  const replies = redis.pipeline([...commands, ["NONSENSE"], ["PING"]]);
  expect(replies).toHaveLength(20_002);
  for (let i = 0; i < 20_000; i += 997) expect(String(replies[i])).toBe(`${i} ${value}`);
  expect(replies[20_000]).toBeInstanceOf(Error);
  expect(replies[20_001]).toBe("PONG");
  redis.close();
}, 60_000);

test("reports a refused connection", () => {
  expect(errorOf(() => new Redis({ port: 1 })).code).toBe("ECONNREFUSED");
});
