/**
 * examples/lua: Lua programs on `net`.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createLuaNet } from "../../examples/lua/lua-net.js";
import { startPeer } from "../support/peers.js";
import { Process } from "../support/processes.js";

const source = (name: string) => readFileSync(new URL(`../../examples/lua/${name}`, import.meta.url));

/** A VM whose programs call `report.result` with values, which are collected as lists. */
async function machine(options?: object) {
  const results: unknown[] = [];
  const report = { result: (...values: unknown[]) => void results.push(values) };
  const vm = await createLuaNet(options, { report });
  for (const name of ["scheduler", "http"]) vm.preload(name, source(`${name}.lua`));
  return { run: (text: string, ...args: unknown[]) => vm.run("test", text, ...args), results, vm };
}

/** A node:http server in another process. `/MS/SIZE` answers after MS ms, with the request's body or with SIZE bytes. */
function startHttpServer(): number {
  const program = `
    require("node:http").createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const [, milliseconds, size] = request.url.split("/");
        setTimeout(() => {
          response.setHeader("x-order", String(++globalThis.order));
          response.end(chunks.length > 0 ? Buffer.concat(chunks) : Buffer.alloc(Number(size), 255));
        }, Number(milliseconds));
      });
    }).listen(0, "127.0.0.1", function () { globalThis.order = 0; console.log("port " + this.address().port + "."); });`;
  const server = new Process(process.execPath, ["-e", program], { env: { NODE_OPTIONS: undefined } });
  return Number(server.waitForOutput(/port (\d+)\./)[1]);
}

test("the program fetches several paths at a time: the quick one is first", () => {
  const port = startHttpServer();
  const args = ["examples/lua/run.js", "fetch-all.lua", "127.0.0.1", `${port}`, "/1500/5", "/0/300000", "/0/0"];
  const program = new Process(process.execPath, args);
  program.waitForExit(20_000);
  expect(program.errors).toBe("");
  expect(program.output.trim().split("\n").at(-1)).toBe("/1500/5\t200\t5");
  expect(program.output).toContain("/0/300000\t200\t300000\n");
  expect(program.output).toContain("/0/0\t200\t0\n");
});

test("all bytes arrive as they are, both ways, through a small ring", async () => {
  const { run, results, vm } = await machine({ sendBuffer: 4096, receiveBuffer: 4096 });
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
  run(
    `local http, scheduler = require("http"), require("scheduler")
    local port, body = ...
    scheduler.spawn(function() report.result(http.request("POST", "127.0.0.1", port, "/0/0", body, 10000)) end)
    scheduler.run()`,
    startHttpServer(),
    body,
  );
  const [status, back] = results[0] as [number, Buffer];
  expect(status).toBe(200);
  expect(Buffer.compare(back, body)).toBe(0);
  vm.close();
});

test("failures are nil and a message; a wrong type is a Lua error with the message", async () => {
  const { run, results, vm } = await machine();
  run(`report.result(net.resolve_address(""))
    report.result(pcall(net.resolve_address, 5))
    local tcp = net.open_tcp(net.resolve_address("127.0.0.1"), 1, nil)
    local status, errmsg = tcp:wait_until_connected(5000)
    report.result(status, errmsg, tcp:read(1))
    report.result(pcall(function() return tcp:no_such_method() end))
    tcp:close()`);
  const texts = results.map((values) =>
    (values as unknown[]).map((value) => (Buffer.isBuffer(value) ? String(value) : value)),
  );
  expect(texts[0]).toEqual([null, "name must not be empty"]);
  expect(texts[1]).toEqual([false, "name must be a string, not 5"]);
  expect(texts[2]?.slice(0, 2)).toEqual(["failure", expect.stringContaining("ECONNREFUSED")]);
  expect(texts[3]).toEqual([false, expect.stringContaining("no_such_method")]);
  expect(() => run("error('in Lua')")).toThrow(/test:1: in Lua/);
  vm.close();
});

test("a coroutine's wait returns false after its timeout", async () => {
  const { run, results, vm } = await machine();
  run(
    `local scheduler = require("scheduler")
    local tcp = net.open_tcp(net.resolve_address("127.0.0.1"), ...)
    tcp:wait_until_connected(5000)
    tcp:read(0)
    scheduler.spawn(function()
      while tcp:get_status() == "waiting" or scheduler.wait(tcp, 0) do end
      local before = net.now()
      report.result(scheduler.wait(tcp, 200), net.now() - before >= 195)
      tcp:close()
    end)
    scheduler.run()`,
    startPeer("silent").port,
  );
  expect(results).toEqual([[false, true]]);
  vm.close();
});

test("one program can have a server and its clients", async () => {
  const { run, results, vm } = await machine();
  run(`local scheduler = require("scheduler")
    local server = net.create_server(net.resolve_address("127.0.0.1"), 0)
    scheduler.spawn(function()
      for i = 1, 3 do
        scheduler.wait(server, 5000)
        local tcp = server:accept()
        tcp:write("hello " .. i)
        tcp:close()
      end
      server:close()
    end)
    for i = 1, 3 do
      scheduler.spawn(function()
        local tcp = net.open_tcp(net.resolve_address("localhost"), server:get_port())
        local text = ""
        while true do
          local bytes, errmsg = tcp:read(100)
          if not bytes then break end
          text = text .. bytes
          scheduler.wait(tcp, 5000)
        end
        report.result(text)
      end)
    end
    scheduler.run()`);
  expect(results.map(String).sort()).toEqual(["hello 1", "hello 2", "hello 3"]);
  vm.close();
});
