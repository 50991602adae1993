/**
 * nginx and Apache, with curl as the reference: the same requests get the same status, headers and bytes.
 */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHttpClient, type RequestOptions } from "ringnet/http";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { isDeno } from "../support/runtime.js";
import { type Server, startApache, startNginx } from "./support/servers.js";

const TEXT = "a line of text that repeats itself\n".repeat(3000);
const BYTES = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) >> 3));

let nginx: Server & { files: string };
let apache: Server & { files: string };

const SCRIPT = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\nX-Method: %s\\r\\nX-Query: %s\\r\\nX-Type: %s\\r\\n\\r\\n' "$REQUEST_METHOD" "$QUERY_STRING" "$CONTENT_TYPE"
[ -n "$CONTENT_LENGTH" ] && head -c "$CONTENT_LENGTH"
exit 0
`;

beforeAll(() => {
  nginx = startNginx(`
    location /moved { return 301 /text; }
    location /gone { return 410 gone; }
    location /empty { return 204; }
    location /loop { return 302 /loop; }
    location /headers { add_header X-One 1; add_header X-One 2; add_header X-Empty ""; return 200 ok; }`);
  apache = startApache();
  for (const { files } of [nginx, apache]) {
    writeFileSync(join(files, "text"), TEXT);
    writeFileSync(join(files, "text.txt"), TEXT);
    writeFileSync(join(files, "bytes"), BYTES);
    writeFileSync(join(files, "nothing"), "");
    writeFileSync(join(files, "sp ace \xe9"), "odd name");
    mkdirSync(join(files, "folder"));
    writeFileSync(join(files, "folder/index.html"), "<p>index");
    writeFileSync(join(files, "script.cgi"), SCRIPT);
    chmodSync(join(files, "script.cgi"), 0o755);
  }
});

interface Answer {
  status: number;
  headers: [string, string][];
  body: Buffer;
}

/** Headers that differ from one request to the next. */
const CHANGING = new Set(["date", "age", "keep-alive"]);

function cleaned(pairs: [string, string][]): [string, string][] {
  return pairs
    .map(([name, value]) => [name.toLowerCase(), value] as [string, string])
    .filter(([name]) => !CHANGING.has(name));
}

const client = createHttpClient({ proxy: null, timeout: 20_000 });

function ours(url: string, options: RequestOptions): Answer {
  const response = client.fetch(url, options);
  const { rawHeaders } = response;
  const headers = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]] as [string, string]] : []));
  return { status: response.status, headers: cleaned(headers), body: response.bytes() };
}

function curls(url: string, args: string[]): Answer {
  const folder = temporaryFolder();
  const [head, body] = [join(folder, "head"), join(folder, "body")];
  writeFileSync(body, "");
  // curl sends the same headers as ringnet, so that the server's answer does not depend on them.
  const same = ["-H", "Accept: */*", "-A", "ringnet"];
  if (!args.includes("Accept-Encoding: identity")) same.push("--compressed", "-H", `Accept-Encoding: ${accepted()}`);
  execFileSync("curl", ["-sS", "--noproxy", "*", "-m", "20", "-D", head, "-o", body, ...same, ...args, url], {
    timeout: 30_000,
  });
  // With redirects there are several heads; the last one counts.
  const last = readFileSync(head, "latin1").trimEnd().split("\r\n\r\n").at(-1) as string;
  const [status = "", ...lines] = last.split("\r\n");
  const headers = lines.map((line) => /^([^:]*):[ \t]*(.*)$/.exec(line)?.slice(1) as [string, string]);
  return {
    status: Number(status.split(" ")[1]),
    headers: cleaned(headers),
    body: args.includes("-I") ? Buffer.alloc(0) : readFileSync(body),
  };
}

function accepted(): string {
  const major = Number(process.versions.node.split(".")[0]);
  return `gzip, deflate${isDeno ? "" : ", br"}${major >= 24 ? ", zstd" : ""}`;
}

const REQUESTS: [string, RequestOptions, string[]][] = [
  ["/text", {}, []],
  ["/text.txt", {}, []],
  ["/text", { method: "HEAD" }, ["-I"]],
  ["/bytes", {}, []],
  ["/bytes", { headers: { range: "bytes=10-19" } }, ["-r", "10-19", "-H", "Accept-Encoding: identity"]],
  ["/bytes", { headers: { range: "bytes=0-0,5-9" } }, ["-r", "0-0,5-9", "-H", "Accept-Encoding: identity"]],
  ["/bytes", { headers: { range: "bytes=9000000-" } }, ["-r", "9000000-", "-H", "Accept-Encoding: identity"]],
  ["/nothing", {}, []],
  ["/missing", {}, []],
  ["/folder", {}, ["-L"]],
  ["/folder/", {}, []],
  ["/sp%20ace%20%C3%A9", {}, []],
  ["/moved", {}, ["-L"]],
  ["/moved", { redirect: "manual" }, []],
  ["/gone", {}, []],
  [
    "/text",
    { headers: { "if-modified-since": "Tue, 01 Jan 2999 00:00:00 GMT" } },
    ["-H", "If-Modified-Since: Tue, 01 Jan 2999 00:00:00 GMT"],
  ],
  ["/text", { method: "OPTIONS" }, ["-X", "OPTIONS"]],
  ["/text", { method: "DELETE" }, ["-X", "DELETE"]],
  [
    "/text",
    { method: "PUT", body: "x", headers: { "content-type": "a/b" } },
    ["-X", "PUT", "-d", "x", "-H", "Content-Type: a/b"],
  ],
  [
    "/text",
    { headers: { accept: "text/html", "user-agent": "someone" } },
    ["-H", "Accept: text/html", "-A", "someone"],
  ],
  ["/text?a=b&c=%20d#e", {}, []],
];

const OF_NGINX: typeof REQUESTS = [
  ["/empty", {}, []],
  ["/headers", {}, []],
  ["/text", { headers: { host: "another.example" } }, ["-H", "Host: another.example"]],
];

const OF_APACHE: typeof REQUESTS = [
  ["/script.cgi?a=b", {}, []],
  [
    "/script.cgi",
    { method: "POST", body: new URLSearchParams({ a: "b c" }) },
    ["-d", "a=b+c", "-H", "Content-Type: application/x-www-form-urlencoded;charset=UTF-8"],
  ],
  [
    "/script.cgi",
    { method: "POST", body: TEXT },
    ["--data-binary", TEXT, "-H", "Content-Type: text/plain;charset=UTF-8"],
  ],
  [
    "/script.cgi",
    { method: "POST", body: TEXT, headers: { expect: "100-continue" } },
    ["--data-binary", TEXT, "-H", "Content-Type: text/plain;charset=UTF-8", "-H", "Expect: 100-continue"],
  ],
  [
    "/script.cgi",
    { method: "PATCH", body: "" },
    ["-X", "PATCH", "--data-binary", "", "-H", "Content-Type: text/plain;charset=UTF-8"],
  ],
];

describe.each([
  ["nginx", () => nginx, [...REQUESTS, ...OF_NGINX]],
  ["Apache", () => apache, [...REQUESTS, ...OF_APACHE]],
] as const)("%s answers ringnet as it answers curl", (_name, server, requests) => {
  test.each(requests.map((each) => [each[2].join(" ").slice(0, 60), ...each] as const))(
    "%s %s",
    (_args, path, options, args) => {
      const url = `${server().origin}${path}`;
      const [mine, theirs] = [ours(url, options), curls(url, args)];
      // Apache uses a new boundary for each response.
      if (options.headers !== undefined && JSON.stringify(options.headers).includes("0-0,5-9")) {
        for (const answer of [mine, theirs]) {
          const type = answer.headers.find(([name]) => name === "content-type");
          const boundary = /boundary=(.*)/.exec(type?.[1] ?? "")?.[1] as string;
          if (type !== undefined) type[1] = type[1].replace(boundary, "B");
          answer.body = Buffer.from(answer.body.toString("latin1").replaceAll(boundary, "B"), "latin1");
        }
      }
      expect(mine.status).toBe(theirs.status);
      expect(mine.headers).toEqual(theirs.headers);
      expect(mine.body.equals(theirs.body)).toBe(true);
    },
  );
});

test("nginx: a redirect to itself is an error", () => {
  expect(() => client.fetch(`${nginx.origin}/loop`).status).toThrow(
    expect.objectContaining({ code: "ERR_HTTP_TOO_MANY_REDIRECTS" }),
  );
});

test("a thousand requests, a hundred at a time, use ten connections", () => {
  const ten = createHttpClient({ proxy: null, timeout: 20_000, connections: 10 });
  for (let round = 0; round < 10; round++) {
    const responses = Array.from({ length: 100 }, () => ten.fetch(`${nginx.origin}/text`));
    for (const response of responses) expect(response.text()).toBe(TEXT);
  }
  expect(ten.connections).toEqual({ open: 10, idle: 10 });
});
