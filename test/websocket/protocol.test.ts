/**
 * Which frames are accepted and which fail the connection: the cases of the Autobahn test suite (docs/ported-suites.md),
 * sent by a peer that builds its frames itself.
 */

import { createHash, randomBytes } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from "node:zlib";
import { stats } from "ringnet";
import { type OpenWebSocketOptions, openWebSocket, type WebSocket } from "ringnet/websocket";
import { afterEach, describe, expect, test } from "vitest";
import { pause, waitFor } from "../support/waiting.js";
import { type Frame, type RawPeerOptions, startRawPeer } from "./support/peers.js";

const TIMEOUT = 20_000;
const opened: WebSocket[] = [];

afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});

const text = (value: string, more: Partial<Frame> = {}): Frame => ({ opcode: 1, text: value, ...more });
const close = (code: number, reason = ""): Frame => ({
  opcode: 8,
  hex: code.toString(16).padStart(4, "0") + Buffer.from(reason).toString("hex"),
});
const DONE = close(1000);

/** Sends `frames` to a client; returns the messages that it receives up to the close, and the peer, which has what it sends. */
function asked(frames: Frame[], more: { drip?: boolean; options?: OpenWebSocketOptions; peer?: RawPeerOptions } = {}) {
  const peer = startRawPeer(more.peer);
  const socket = openWebSocket(peer.url, { timeout: TIMEOUT, ...more.options });
  opened.push(socket);
  peer.waitForEvent("request");
  peer.send({ do: "frames", frames, drip: more.drip ?? false });
  const messages: (string | Buffer)[] = [];
  for (let next = socket.receive(TIMEOUT); next !== null; next = socket.receive(TIMEOUT)) messages.push(next);
  return { peer, socket, messages };
}

/** Expects that `frames` fail the connection: the client sends a close with `code`, and its error code matches `error`. */
function expectRefused(
  frames: Frame[],
  code: number,
  error: RegExp | string,
  more: Parameters<typeof asked>[1] = {},
): void {
  const { peer, socket, messages } = asked([text("before"), ...frames, DONE], more);
  expect(messages).toEqual(["before"]);
  expect(socket.closeCode).toBe(1006);
  expect([socket.status, socket.error?.code]).toEqual(["failure", expect.stringMatching(error)]);
  const sent = peer.process.waitUntil("the close of", () => peer.events("frame").find(({ opcode }) => opcode === 8));
  expect(sent).toMatchObject({ code, masked: true });
}

describe("framing", () => {
  test.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 100_000])(
    "receives text and binary messages of %i bytes",
    (bytes) => {
      const { messages } = asked([{ opcode: 1, bytes }, { opcode: 2, bytes }, DONE]);
      expect(messages.map((message) => message.length)).toEqual([bytes, bytes]);
      expect(typeof messages[0]).toBe("string");
      expect(Buffer.isBuffer(messages[1])).toBe(true);
    },
  );

  test("receives frames that arrive byte by byte", () => {
    const { messages } = asked([text("drip"), { opcode: 2, bytes: 300 }, text("€"), DONE], { drip: true });
    expect(messages).toEqual(["drip", Buffer.alloc(300, "a"), "€"]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])("refuses reserved bits %i", (rsv) => {
    expectRefused([text("x", { rsv })], 1002, /^WS_ERR_UNEXPECTED_RSV/, { options: { perMessageDeflate: false } });
  });

  test.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])("refuses opcode %i", (opcode) => {
    expectRefused([{ opcode, text: "x" }], 1002, "WS_ERR_INVALID_OPCODE");
  });

  test("refuses a masked frame from a server", () => {
    expectRefused([text("x", { masked: true })], 1002, "WS_ERR_UNEXPECTED_MASK");
  });

  test("masks a client's frames", () => {
    const peer = startRawPeer();
    const socket = openWebSocket(peer.url, { timeout: TIMEOUT });
    opened.push(socket);
    socket.send("hello");
    expect(peer.waitForEvent("frame")).toMatchObject({ masked: true, fin: true, rsv: 0, opcode: 1, text: "hello" });
  });
});

describe("pings and pongs", () => {
  test.each(["", "hello", "x".repeat(125)])("answers a ping with the same payload, %j", (payload) => {
    const { peer } = asked([{ opcode: 9, text: payload }, DONE]);
    expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 10, text: payload });
  });

  test("refuses a ping of 126 bytes", () => {
    expectRefused([{ opcode: 9, bytes: 126 }], 1002, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
  });

  test("answers ten pings in order, and ignores unsolicited pongs", () => {
    const pings = Array.from({ length: 10 }, (_, i) => ({ opcode: 9, text: `${i}` }));
    const { peer, messages } = asked([{ opcode: 10, text: "unasked" }, ...pings, text("x"), DONE]);
    peer.waitForEvent("frame", 10);
    expect(
      peer
        .events("frame")
        .slice(0, 10)
        .map(({ opcode, text }) => `${opcode} ${text}`),
    ).toEqual(pings.map(({ text }) => `10 ${text}`));
    expect(messages).toEqual(["x"]);
  });

  test.each([true, false])(
    "answers the last of many pings of a peer that does not read, compression %s",
    (compresses) => {
      const more = compresses ? ["Sec-WebSocket-Extensions: permessage-deflate"] : [];
      const peer = startRawPeer({ reported: 100, more });
      const socket = openWebSocket(peer.url, { timeout: TIMEOUT, perMessageDeflate: compresses });
      opened.push(socket);
      peer.waitForEvent("request");
      peer.send({ do: "pause" });
      socket.send(randomBytes(900_000)); // the first pongs wait behind its compression
      const frames = [{ opcode: 9, bytes: 125, count: 80_000 }, { opcode: 9, text: "last" }, text("x")];
      peer.send({ do: "frames", frames });
      expect(socket.receive(TIMEOUT)).toBe("x");
      peer.send({ do: "resume" });
      const pong = peer.waitForEvent("frame");
      expect(pong).toMatchObject({ opcode: 10, text: "last" });
      expect(pong.skipped).toBeLessThan(80_000); // the kernel takes fewer
      socket.end(1000, "enough");
      expect(peer.waitForEvent("frame", 2)).toMatchObject({ opcode: 8, code: 1000, reason: "enough" });
      expect(socket.status).toBe("success");
    },
  );
});

describe("fragments", () => {
  test("are one message, with pings between them", () => {
    const { peer, messages } = asked([
      text("one ", { fin: false }),
      { opcode: 9, text: "ping" },
      { opcode: 0, text: "two ", fin: false },
      { opcode: 0, text: "", fin: false },
      { opcode: 0, text: "three" },
      { opcode: 2, hex: "01", fin: false },
      { opcode: 0, hex: "02" },
      DONE,
    ]);
    expect(messages).toEqual(["one two three", Buffer.from([1, 2])]);
    expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 10, text: "ping" });
  });

  test.each([
    ["a continuation of nothing", [{ opcode: 0, text: "x" }]],
    ["a continuation of nothing that goes on", [{ opcode: 0, text: "x", fin: false }]],
    ["a new message within another", [text("a", { fin: false }), text("b")]],
    [
      "a ping in fragments",
      [
        { opcode: 9, text: "a", fin: false },
        { opcode: 0, text: "b" },
      ],
    ],
    ["a close in fragments", [{ opcode: 8, hex: "03e8", fin: false }]],
  ] as [string, Frame[]][])("%s is refused", (_what, frames) => {
    expectRefused(frames, 1002, /WS_ERR_(INVALID_OPCODE|EXPECTED_FIN)/);
  });
});

describe("UTF-8", () => {
  test.each(["κόσμε", "\u0000", "\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}", "\ufffe\ufeff"])(
    "%j is received",
    (value) => {
      expect(asked([text(value), DONE]).messages).toEqual([value]);
    },
  );

  test("accepts a character split between fragments and reads", () => {
    const frames: Frame[] = [
      { opcode: 1, hex: "cebae1bd", fin: false },
      { opcode: 0, hex: "b9cf83ce", fin: false },
      { opcode: 0, hex: "bcceb5" },
      DONE,
    ];
    const whole = Buffer.from("cebae1bdb9cf83cebcceb5", "hex").toString();
    expect(asked(frames).messages).toEqual([whole]);
    expect(asked(frames, { drip: true }).messages).toEqual([whole]);
  });

  test.each([
    ["a surrogate", "cebae1bdb9cf83cebcceb5eda080656469746564"],
    ["a lone continuation byte", "80"],
    ["a lone first byte", "c2"],
    ["an overlong slash", "c0af"],
    ["an overlong zero", "e08080"],
    ["beyond U+10FFFF", "f4908080"],
    ["a byte that never occurs", "fe"],
    ["a cut-off character", "f09f98"],
  ])("%s is refused", (_what, hex) => {
    expectRefused([{ opcode: 1, hex }], 1007, "WS_ERR_INVALID_UTF8");
    expectRefused(
      [
        { opcode: 1, hex: "61", fin: false },
        { opcode: 0, hex },
      ],
      1007,
      "WS_ERR_INVALID_UTF8",
    );
  });

  test("does not check binary messages", () => {
    expect(asked([{ opcode: 2, hex: "80feff" }, DONE]).messages).toEqual([Buffer.from([0x80, 0xfe, 0xff])]);
  });
});

describe("close frames", () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])(
    "code %i is taken and answered",
    (code) => {
      const { peer, socket } = asked([close(code, "r")]);
      expect([socket.closeCode, socket.closeReason]).toEqual([code, "r"]);
      expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 8, code });
    },
  );

  test.each([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])("refuses code %i", (code) => {
    expectRefused([close(code)], 1002, "WS_ERR_INVALID_CLOSE_CODE");
  });

  test("refuses a payload of one byte, one of 126 bytes, and a reason that is not UTF-8", () => {
    expectRefused([{ opcode: 8, hex: "03" }], 1002, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
    expectRefused([close(1000, "x".repeat(124))], 1002, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
    expectRefused([{ opcode: 8, hex: "03e8cebae1bdb9cf83cebcceb5eda080" }], 1007, "WS_ERR_INVALID_UTF8");
  });

  test("ignores frames after a close", () => {
    const { messages, socket } = asked([text("a"), close(1000), text("b"), { opcode: 9, text: "c" }]);
    expect([messages, socket.closeCode]).toEqual([["a"], 1000]);
  });

  test("a close within a fragmented message drops the partial message", () => {
    const { messages, socket } = asked([text("part", { fin: false }), close(4000)]);
    expect([messages, socket.closeCode]).toEqual([[], 4000]);
  });
});

describe("limits", () => {
  const limited = { options: { maxPayload: 1000 } };
  test("receives maxPayload bytes, and closes with 1009 for one byte more", () => {
    expect(asked([{ opcode: 2, bytes: 1000 }, DONE], limited).messages[0]?.length).toBe(1000);
    expectRefused([{ opcode: 2, bytes: 1001 }], 1009, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", limited);
  });

  test("adds fragments up, and refuses a length before its bytes arrive", () => {
    const half = { bytes: 501, fin: false };
    expectRefused(
      [
        { opcode: 2, ...half },
        { opcode: 0, ...half },
      ],
      1009,
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      limited,
    );
    expectRefused([{ opcode: 2, hex: "00", length: 2 ** 40 }], 1009, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
    expectRefused([{ opcode: 2, hex: "00", length: 2 ** 60 }], 1009, "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
  });

  test("refuses twenty thousand fragments", () => {
    const frames = [text("", { fin: false }), { opcode: 0, text: "a", fin: false, count: 20_000 }];
    const { socket } = asked(frames);
    expect(socket.error?.code).toMatch(/^WS_ERR_TOO_MANY/);
  });
});

describe("compression", () => {
  const compressed = { peer: { more: ["Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"] } };
  const deflated = (value: string | Buffer, options: ZlibOptions = {}): string =>
    deflateRawSync(value, { finishFlush: constants.Z_SYNC_FLUSH, ...options })
      .subarray(0, -4)
      .toString("hex");

  test("receives compressed and uncompressed messages", () => {
    const frames = [{ opcode: 1, rsv: 4, hex: deflated("hello ".repeat(1000)) }, text("plain"), DONE];
    expect(asked(frames, compressed).messages).toEqual(["hello ".repeat(1000), "plain"]);
  });

  test("reads the compression bit from the first fragment only", () => {
    const hex = deflated("hello ".repeat(100));
    const frames: Frame[] = [
      { opcode: 1, rsv: 4, hex: hex.slice(0, 20), fin: false },
      { opcode: 9, text: "x" },
      { opcode: 0, hex: hex.slice(20) },
      DONE,
    ];
    expect(asked(frames, compressed).messages).toEqual(["hello ".repeat(100)]);
    const wrong = [
      { opcode: 1, rsv: 4, hex: hex.slice(0, 20), fin: false },
      { opcode: 0, rsv: 4, hex: hex.slice(20) },
    ];
    expectRefused(wrong, 1002, "WS_ERR_UNEXPECTED_RSV_1", compressed);
  });

  test.each([9, 10, 11, 12, 13, 14, 15])("uses the window of 2^%i bytes that the server has chosen", (windowBits) => {
    // Only a window of more than 600 bytes covers the repetition.
    const value = createHash("shake256", { outputLength: 300 }).digest("hex").repeat(2);
    const extension = `permessage-deflate; server_max_window_bits=${windowBits}; client_max_window_bits=${windowBits}`;
    const peer = startRawPeer({ more: [`Sec-WebSocket-Extensions: ${extension}`] });
    const socket = openWebSocket(peer.url, { timeout: TIMEOUT });
    opened.push(socket);
    socket.send(value);
    const { rsv, hex } = peer.waitForEvent("frame");
    const sent = Buffer.from(`${hex}0000ffff`, "hex");
    const options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH };
    expect([rsv, inflateRawSync(sent, options).toString()]).toEqual([4, value]);
    peer.send({ do: "frames", frames: [{ opcode: 1, rsv: 4, hex: deflated(value, { windowBits }) }] });
    expect(socket.receive(TIMEOUT)).toBe(value);
  });

  test("a message may refer to the one before it, unless no_context_takeover was agreed", () => {
    const dictionary = Buffer.from("hello ".repeat(100));
    const frames: Frame[] = [
      { opcode: 2, rsv: 4, hex: deflated(dictionary) },
      { opcode: 2, rsv: 4, hex: deflated(dictionary, { dictionary }) },
    ];
    const takeover = { peer: { more: ["Sec-WebSocket-Extensions: permessage-deflate"] } };
    expect(asked([...frames, DONE], takeover).messages).toEqual([dictionary, dictionary]);
    const { socket, messages } = asked(frames, compressed);
    expect([messages, socket.error?.code]).toEqual([[dictionary], "Z_DATA_ERROR"]);
  });

  test("refuses invalid deflate data, and text that is not UTF-8", () => {
    expectRefused([{ opcode: 1, rsv: 4, hex: "ffffffff" }], 1007, /^Z_|WS_ERR/, compressed);
    expectRefused(
      [{ opcode: 1, rsv: 4, hex: deflated(Buffer.from("80", "hex")) }],
      1007,
      "WS_ERR_INVALID_UTF8",
      compressed,
    );
  });

  test("refuses a compression bomb once it exceeds maxPayload", () => {
    const bomb = { opcode: 2, rsv: 4, hex: deflated(Buffer.alloc(50_000_000)) };
    expectRefused([bomb], 1009, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", {
      ...compressed,
      options: { maxPayload: 1_000_000 },
    });
  });

  test("fails the handshake for an extension that was not offered, and for invalid parameters", () => {
    for (const extension of [
      "x-other",
      "permessage-deflate; server_max_window_bits=99",
      "permessage-deflate; nonsense",
    ]) {
      const peer = startRawPeer({ more: [`Sec-WebSocket-Extensions: ${extension}`] });
      expect(() => openWebSocket(peer.url, { timeout: TIMEOUT })).toThrow(/handshake failed: .*(xtension)/);
    }
  });
});

/** Blocks until the networking thread has nothing to do: it has used less than 5 ms of CPU time within 200 ms. */
function waitForNetworkingThread(): void {
  const used = () => stats().threads.reduce((sum, { cpuMs }) => sum + (cpuMs ?? 0), 0);
  let before = used();
  waitFor("a networking thread with nothing to do", () => {
    pause(200);
    const last = before;
    before = used();
    return before - last < 5;
  });
}

describe("hostile servers", () => {
  test("back-pressure stops a flood, and the program can terminate it", () => {
    const peer = startRawPeer();
    const socket = openWebSocket(peer.url, { timeout: TIMEOUT, receiveBuffer: 65536 });
    opened.push(socket);
    peer.waitForEvent("request");
    peer.send({ do: "flood", frame: { opcode: 2, bytes: 1000 } });
    const memory = process.memoryUsage().rss;
    for (let i = 0; i < 1000; i++) expect(socket.receive(TIMEOUT)?.length).toBe(1000);
    expect(socket.waitUntilReadable(TIMEOUT)).toBe(true);
    expect(process.memoryUsage().rss - memory).toBeLessThan(200_000_000);
    socket.terminate();
    peer.waitForEvent("closed");
  });

  test("back-pressure stops a flood of messages that are too long for the ring", () => {
    const peer = startRawPeer();
    const socket = openWebSocket(peer.url, { timeout: TIMEOUT, receiveBuffer: 65536 });
    opened.push(socket);
    peer.waitForEvent("request");
    const memory = process.memoryUsage().rss;
    peer.send({ do: "flood", frame: { opcode: 2, bytes: 20_000 } });
    expect(socket.waitUntilReadable(TIMEOUT)).toBe(true);
    waitForNetworkingThread();
    expect(process.memoryUsage().rss - memory).toBeLessThan(100_000_000);
    expect(peer.events("flooded")).toEqual([]); // 20 MB are more than the kernel and the ring take
    for (let i = 0; i < 5; i++) expect(socket.receive(TIMEOUT)).toEqual(Buffer.alloc(20_000, "a"));
    socket.terminate();
    peer.waitForEvent("closed");
  });

  test("closes with 1002 on garbage", () => {
    for (const hex of ["ffffffffffffffff", "00".repeat(100), Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex")]) {
      const peer = startRawPeer();
      const socket = openWebSocket(peer.url, { timeout: TIMEOUT, perMessageDeflate: false });
      opened.push(socket);
      peer.waitForEvent("request");
      peer.send({ do: "raw", hex });
      expect(socket.receive(TIMEOUT)).toBeNull();
      expect(socket.error?.code).toMatch(/^WS_ERR/);
      expect(peer.waitForEvent("frame")).toMatchObject({ opcode: 8, code: 1002 });
    }
  });
});
