/**
 * examples/python: a Python program in Pyodide, against a node:http server in another process.
 */

import { expect, test } from "vitest";
import { closedPort } from "../support/ports.js";
import { Process } from "../support/processes.js";
import { startProgram } from "../support/programs.js";

/** Serves pages of items, and repeats what is posted with the number of connections so far. */
const SERVER = `
  import { createServer } from "node:http";
  let connections = 0;
  const pages = [null, { items: [{ price: 3 }, { price: 5 }], next: 2 }, { items: [], next: 3 },
    { items: Array.from({ length: 5000 }, (_, i) => ({ name: "name " + i, price: 1 })), next: null }];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://any");
    if (pathname === "/items") return response.end(JSON.stringify(pages[searchParams.get("page")]));
    let body = "";
    for await (const chunk of request) body += chunk;
    if (pathname === "/totals") return response.end("süß " + body + " connections: " + connections);
    response.writeHead(404).end();
  });
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;

test("the program reads pages and posts their sum over one connection; failures are Python's exceptions", async () => {
  const port = startProgram(SERVER).waitForOutput(/^\d+$/m)[0];
  const shops = [`http://localhost:${port}`, `http://localhost:${port}/no`, `http://localhost:${await closedPort()}`];
  const program = new Process(process.execPath, ["examples/python/run.js", "fetch.py", ...shops]);
  program.waitForExit(60_000);
  expect(program.errors).toBe("");
  const lines = program.output.trimEnd().split("\n");
  expect(lines[0]).toBe(`${shops[0]} süß {"total": 5008} connections: 1`);
  expect(lines[1]).toBe(`${shops[1]} HTTPError 404 Not Found for ${shops[1]}/items`);
  expect(lines[2]).toContain(`${shops[2]} ConnectionRefusedError`);
  expect(lines).toHaveLength(3);
}, 90_000);
