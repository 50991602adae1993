/** preview2-shim's files and HTTP, with the streams, pollables and errors of this package. */

import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";
import * as wasi from "ringnet/wasi";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { startPeer } from "../support/peers.js";
import { runProgram } from "../support/programs.js";
import { dropped, ipv4, thrownBy } from "./support.js";

// biome-ignore lint/suspicious/noExplicitAny: the interfaces have no types here, they are passed on
type Untyped = any;
const { Descriptor, filesystemErrorCode } = wasi.filesystem.types as Untyped;

/** A new folder, with one file, as the guest gets it. */
function folderOf(text: string): Untyped {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), text);
  const [[descriptor]] = (wasi.filesystem.createPreopens({ "/": folder }) as Untyped).getDirectories();
  return descriptor;
}

function connectionTo(...peerArgs: Parameters<typeof startPeer>) {
  const peer = startPeer(...peerArgs);
  const socket = wasi.sockets.tcpCreateSocket.createTcpSocket("ipv4");
  socket.startConnect(wasi.sockets.instanceNetwork.instanceNetwork(), ipv4(peer.port));
  socket.subscribe().block();
  const [input, output] = socket.finishConnect();
  return { peer, socket, input, output };
}

/** The error of the stream on which `call` fails. */
function failureOf(call: () => unknown): unknown {
  const { tag, val } = thrownBy(call) as Untyped;
  expect(tag).toBe("last-operation-failed");
  return val;
}

describe("files", () => {
  test("are resources of the exported classes, and their streams are this package's", () => {
    const folder = folderOf("the text");
    expect(folder).toBeInstanceOf(Descriptor);
    const file = folder.openAt({}, "file", {}, { read: true });
    expect(file).toBeInstanceOf(Descriptor);
    expect([file.isSameObject(file), file.isSameObject(folder)]).toEqual([true, false]);
    const input = file.readViaStream(4n);
    expect(input).toBeInstanceOf(wasi.io.streams.InputStream);
    expect(Buffer.from(input.blockingRead(100n)).toString()).toBe("text");
    expect(thrownBy(() => input.blockingRead(100n))).toEqual({ tag: "closed" });
    dropped(input);
  });

  test("fail with the codes of the WIT", () => {
    expect(thrownBy(() => folderOf("").openAt({}, "none", {}, { read: true }))).toBe("no-entry");
    const failure = thrownBy(() => folderOf("").readViaStream(0n).blockingRead(1n)) as Untyped;
    if (failure?.tag === "last-operation-failed") {
      expect(failure.val).toBeInstanceOf(wasi.io.error.Error);
      expect(filesystemErrorCode(failure.val)).toBe("is-directory");
    } else {
      expect(failure).toBe("is-directory");
    }
  });

  test("have codes for their own errors, not for others'", () => {
    const file = folderOf("secret").openAt({}, "file", {}, { write: true }); // not for reading
    const ofFile = failureOf(() => file.readViaStream(0n).blockingRead(1n));
    const { peer, input } = connectionTo("manual");
    peer.waitForEvent("connection");
    peer.send({ do: "reset" });
    const ofSocket = failureOf(() => input.blockingRead(1n));
    const ofSystem = new wasi.io.error.Error(thrownBy(() => readlinkSync("/")));
    const codes = [filesystemErrorCode, wasi.http.types.httpErrorCode, wasi.sockets.network.networkErrorCode];
    const codesOf = (error: unknown) => codes.map((code) => (code as Untyped)(error));
    expect(codesOf(ofFile)).toEqual(["bad-descriptor", undefined, undefined]);
    expect(codesOf(ofSocket)).toEqual([undefined, undefined, "connection-reset"]);
    expect(codesOf(ofSystem)).toEqual([undefined, undefined, undefined]);
  });

  test("can be spliced to a connection, and from one to a file", () => {
    const folder = folderOf("by splice");
    const { peer, socket, input, output } = connectionTo("sink", { reply: "answer" });
    const source = folder.openAt({}, "file", {}, { read: true }).readViaStream(0n);
    expect(output.blockingSplice(source, 100n)).toBe(9n);
    socket.shutdown("send");
    expect(peer.waitForEvent("end").bytes).toBe(9);
    const copy = folder.openAt({}, "copy", { create: true }, { read: true, write: true });
    const target = copy.writeViaStream(0n);
    expect(target.blockingSplice(input, 100n)).toBe(6n);
    target.blockingFlush();
    expect(copy.stat().size).toBe(6n);
    const timer = wasi.clocks.monotonicClock.subscribeDuration(10_000_000_000n);
    expect([...wasi.io.poll.poll([timer, target.subscribe(), input.subscribe()])]).toEqual([1, 2]);
    dropped(target); // garbage collection would drop its pollable too late
  });
});

test("HTTP's resources are constructed, passed and returned", () => {
  const { Fields, OutgoingRequest, OutgoingBody } = wasi.http.types as Untyped;
  const fields = Fields.fromList([["a", Buffer.from("1")]]);
  const request = new OutgoingRequest(fields);
  expect(request.headers()).toBeInstanceOf(Fields);
  expect(Buffer.from(request.headers().get("a")[0]).toString()).toBe("1");
  const body = request.body();
  expect(body).toBeInstanceOf(OutgoingBody);
  expect(body.write()).toBeInstanceOf(wasi.io.streams.OutputStream);
});

/** What garbage collection could drop before its pollable, which is a trap of the shim. */
const alive: unknown[] = [];

test("an HTTP body is ready when bytes have arrived, not before", () => {
  const { Fields, OutgoingRequest, OutgoingBody } = wasi.http.types as Untyped;
  const peer = startPeer("scripted");
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n";
  peer.script({ do: "send", text: head }, { do: "await" }, { do: "send", text: "the body" }, { do: "await" });
  const request = new OutgoingRequest(new Fields());
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(`127.0.0.1:${peer.port}`);
  request.setPathWithQuery("/");
  const future = (wasi.http.outgoingHandler as Untyped).handle(request);
  OutgoingBody.finish(request.body(), undefined);
  const limit = wasi.clocks.monotonicClock.subscribeDuration(10_000_000_000n);
  alive.push(future);
  wasi.io.poll.poll([future.subscribe(), limit]);
  const input = future.get().val.val.consume().stream();
  const pollable = input.subscribe();
  const pause = () => wasi.clocks.monotonicClock.subscribeDuration(100_000_000n);
  expect([...wasi.io.poll.poll([pollable, pause()])]).toEqual([1]);
  expect(input.read(100n)).toHaveLength(0);
  peer.go();
  expect([...wasi.io.poll.poll([pollable, limit])]).toEqual([0]);
  expect(Buffer.from(input.blockingRead(100n)).toString()).toBe("the body");
  expect([...wasi.io.poll.poll([pollable, limit])]).toEqual([0]);
  expect(thrownBy(() => input.blockingRead(100n))).toEqual({ tag: "closed" });
  dropped(input);
});

test("a standard input that can't be opened is ready, and reading it fails", () => {
  const program = `import { closeSync } from "node:fs";
    import { bindUdp } from "ringnet";
    import { stdin } from "ringnet/wasi/cli";
    bindUdp().close(); // the networking thread's descriptors are open now
    closeSync(0);
    const input = stdin.getStdin();
    console.log(input.subscribe().ready());
    try {
      input.blockingRead(1n);
    } catch ({ tag, val }) {
      console.log(tag, val.toDebugString());
    }`;
  expect(runProgram(program).output).toMatch(/^true\nlast-operation-failed .*EBADF/);
});

test("WASIShim accepts the interfaces", () => {
  const imports = new WASIShim(wasi as Untyped).getImportObject({ asVersion: "0.2.3" }) as Untyped;
  expect(imports["wasi:sockets/tcp@0.2.3"].TcpSocket).toBe(wasi.sockets.tcp.TcpSocket);
  expect(imports["wasi:io/streams@0.2.3"].InputStream).toBe(wasi.io.streams.InputStream);
  expect(imports["wasi:filesystem/types@0.2.3"].Descriptor).toBe(Descriptor);
  expect(imports["wasi:cli/environment@0.2.3"].getEnvironment().length).toBeGreaterThan(0);
});
