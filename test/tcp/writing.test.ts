/**
 * `write`, `writable`, `pendingWrites`, and back-pressure both ways.
 */

import { connect } from "ringnet";
import { describe, expect, test } from "vitest";
import { pattern, patternHash, sha256 } from "../support/bytes.js";
import { startPeer, startUnanswering } from "../support/peers.js";
import { Process } from "../support/processes.js";
import { pause, timed, waitFor } from "../support/waiting.js";
import { errorOf, fill, openTo, readBytes, readToEnd, writeBytes } from "./sockets.js";

describe("write(data)", () => {
  test("takes a string (as UTF-8) or any Uint8Array, and returns how many bytes it took", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer);
    expect(socket.write("grün")).toBe(5);
    expect(socket.write(Buffer.from("xyz"))).toBe(3);
    expect(socket.write(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe(2);
    expect(socket.write(new Uint8Array(new SharedArrayBuffer(4)))).toBe(4);
    expect(socket.write("")).toBe(0);
    expect(socket.bytesWritten).toBe(14);
    expect(readBytes(socket, 14)).toEqual(Buffer.from([...Buffer.from("grünxyz"), 2, 3, 0, 0, 0, 0]));
    socket.close();
  });

  test("takes what fits; 0 means full", () => {
    const peer = startPeer("silent");
    const socket = openTo(peer, { sendBuffer: 4096 });
    fill(socket);
    expect(socket.write("x")).toBe(0);
    expect(socket.writable).toBe(0);
    expect(socket.pendingWrites).toBe(4096);
    expect(socket.status).toBe("success");
    socket.close();
  });

  test("is allowed while waiting: the bytes go out once connected", () => {
    const peer = startUnanswering("sink");
    const socket = connect({ host: "127.0.0.1", port: peer.port });
    expect(socket.write("early")).toBe(5);
    expect(socket.waitUntilDrained(50)).toBe(5);
    expect(socket.status).toBe("waiting");
    peer.answer();
    expect(socket.waitUntilDrained(10_000)).toBe(0);
    expect(socket.status).toBe("success");
    socket.close();
    const hash = sha256("early");
    waitFor("the early bytes to arrive", () => peer.events("end").find(({ sha256 }) => sha256 === hash));
  });

  test("takes up to the size of the ring while waiting", () => {
    const stuck = startUnanswering();
    const socket = connect({ host: "127.0.0.1", port: stuck.port, sendBuffer: 4096 });
    expect(socket.writable).toBe(4096);
    expect(socket.write(Buffer.alloc(5000))).toBe(4096);
    expect(socket.write("x")).toBe(0);
    expect(socket.pendingWrites).toBe(4096);
    socket.close();
  });

  test("the caller may change the bytes as soon as write has returned", () => {
    const peer = startPeer("sink");
    const socket = openTo(peer);
    const mine = Buffer.alloc(4096);
    for (let i = 0; i < 1000; i++) writeBytes(socket, mine.fill(i));
    socket.close();
    const all = Buffer.concat(Array.from({ length: 1000 }, (_, i) => Buffer.alloc(4096, i)));
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: all.length, sha256: sha256(all) });
  });

  test("a hundred thousand small writes form one stream", () => {
    const peer = startPeer("sink");
    const socket = openTo(peer);
    const hundred = pattern(15, 0, 100);
    for (let i = 0; i < 100_000; i++) writeBytes(socket, hundred);
    socket.end();
    const all = Buffer.concat(Array.from({ length: 100_000 }, () => hundred));
    expect(peer.waitForEvent("end")).toMatchObject({ bytes: all.length, sha256: sha256(all) });
    socket.close();
  });

  test.each([
    [4096, 2_000_000],
    [65_536, 20_000_000],
    [1 << 20, 50_000_000],
  ])("a stream arrives as it was written, through a ring of %d bytes, %d bytes", (sendBuffer, bytes) => {
    const peer = startPeer("sink");
    const socket = openTo(peer, { sendBuffer });
    for (let at = 0; at < bytes; at += 1 << 20) writeBytes(socket, pattern(16, at, Math.min(1 << 20, bytes - at)));
    socket.close();
    expect(peer.waitForEvent("end", 20_000)).toMatchObject({ bytes, sha256: patternHash(16, bytes) });
  });
});

describe("pendingWrites", () => {
  test("counts the bytes that the operating system has not taken yet", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    expect(socket.pendingWrites).toBe(0);
    fill(socket);
    const pending = socket.pendingWrites;
    expect(pending).toBeGreaterThan(0);
    expect(socket.writable).toBe(0);
    peer.send({ do: "resume" });
    waitFor("the bytes to go", () => socket.pendingWrites === 0);
    expect(socket.writable).toBeGreaterThanOrEqual(pending);
    socket.close();
  });

  test("throws once they are lost", () => {
    const peer = startPeer("silent");
    const socket = openTo(peer);
    fill(socket);
    peer.kill();
    waitFor("the failure", () => socket.status === "failure");
    expect(errorOf(() => socket.pendingWrites).code).toMatch(/^(ECONNRESET|EPIPE)$/);
    socket.close();
  });
});

describe("errors of write", () => {
  test("ECONNRESET after the peer's reset", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    waitFor("the failure", () => socket.status === "failure");
    const error = errorOf(() => socket.write("x"));
    expect(error).toMatchObject({ code: "ECONNRESET", syscall: expect.any(String) });
    expect(errorOf(() => socket.write("x")).message).toBe(error.message);
    expect(errorOf(() => socket.waitUntilWritable(-1)).message).toBe(error.message);
    socket.close();
  });

  test("EPIPE when the peer has closed both ways", () => {
    const peer = startPeer("manual");
    const socket = openTo(peer);
    peer.waitForEvent("connection");
    peer.send({ do: "destroy" });
    expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
    // The first one makes the peer's system answer with a reset, the next one gets the error.
    const error = errorOf(() => {
      for (let i = 0; i < 1000; i++) {
        socket.write("x");
        pause(5);
      }
    });
    expect(error.code).toBe("EPIPE");
    socket.close();
  });

  test("after the peer has closed, a small ring takes at most a ring more than a kernel socket; drained, it takes as much", () => {
    const size = 4096;
    // How often a kernel socket takes a write of one ring.
    const program = `use IO::Socket::INET; $SIG{PIPE} = "IGNORE";
      my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or die;
      $| = 1; $socket->sysread(my $end, 1);
      my $taken = 0; $taken++ while $socket->syswrite("x" x ${size});
      print "taken $taken\n";`;
    const taken = (peer: ReturnType<typeof startPeer>, drain: boolean): number => {
      const socket = openTo(peer, { sendBuffer: size });
      peer.waitForEvent("connection");
      peer.send({ do: "destroy" });
      expect(readToEnd(socket)).toEqual({ bytes: Buffer.alloc(0), error: null });
      let count = 0;
      const { code } = errorOf(() => {
        for (; count < 1000; count++) {
          socket.writeAll(Buffer.alloc(size), 5000);
          if (drain) expect(socket.waitUntilDrained(5000)).toBe(0);
        }
      });
      expect(code).toMatch(/EPIPE|ECONNRESET/);
      socket.close();
      return count;
    };
    const peer = startPeer("manual");
    const perl = new Process("perl", ["-e", program, String(peer.port)]);
    peer.waitForEvent("connection");
    peer.send({ do: "destroy" });
    const kernel = Number(perl.waitForOutput(/taken (\d+)/)[1]);
    expect(taken(startPeer("manual"), true)).toBeLessThanOrEqual(kernel);
    expect(taken(startPeer("manual"), false)).toBeLessThanOrEqual(kernel + 1);
  });

  test("EPIPE after end()", () => {
    const peer = startPeer("silent");
    const socket = openTo(peer);
    socket.end();
    expect(errorOf(() => socket.write("x")).code).toBe("EPIPE");
    expect(socket.writable).toBe(0);
    socket.close();
  });
});

describe("back-pressure", () => {
  test("a reader that does not read closes the TCP window", () => {
    const bytes = 100_000_000;
    const peer = startPeer("source", { bytes, seed: 17 });
    const socket = openTo(peer);
    const sent = () => {
      peer.send({ do: "report" });
      pause(20);
      return peer.events("report").at(-1)?.sent ?? 0;
    };
    // The peer can send what the ring and the kernel's buffers hold, and no more.
    let before = -1;
    waitFor("the peer to stand still", () => {
      const now = sent();
      pause(200);
      const still = now > 0 && now === before;
      before = now;
      return still;
    });
    expect(before).toBeGreaterThan(socket.readable - 1);
    expect(before).toBeLessThan(bytes / 2);
    // And nothing of it is lost.
    const all = readToEnd(socket, 20_000);
    expect(all.error).toBeNull();
    expect(sha256(all.bytes)).toBe(patternHash(17, bytes));
    socket.close();
  });

  test("write returns 0 as long as a peer does not read", () => {
    const peer = startPeer("manual", { paused: true });
    const socket = openTo(peer);
    const taken = fill(socket);
    expect(taken).toBeLessThan(64 << 20);
    expect(socket.write("x")).toBe(0);
    expect(timed(() => socket.waitUntilWritable(50)).value).toBe(false);
    peer.send({ do: "resume" });
    expect(socket.waitUntilWritable(5000)).toBe(true);
    expect(socket.write("x")).toBe(1);
    socket.end();
    expect(peer.waitForEvent("end").bytes).toBe(taken + 1);
    socket.close();
  });

  test("both directions: an echo of 20 MB through rings of 4 KiB", () => {
    const peer = startPeer("echo");
    const socket = openTo(peer, { sendBuffer: 4096, receiveBuffer: 4096 });
    const data = pattern(18, 0, 20_000_000);
    const back = Buffer.alloc(data.length);
    let sent = 0;
    let got = 0;
    waitFor(
      "the echo",
      () => {
        for (;;) {
          const taken = socket.write(data.subarray(sent, sent + 65_536));
          sent += taken;
          const count = socket.readInto(back.subarray(got));
          got += count ?? 0;
          if (got === data.length) return true;
          if (taken === 0 && count === 0 && !socket.waitUntilReadable(1000)) return false;
        }
      },
      20_000,
    );
    expect(sent).toBe(data.length);
    expect(back.equals(data)).toBe(true);
    socket.close();
  });
});
