/**
 * Programs in a network namespace of their own, with only the interfaces that a test needs.
 */

import { spawnSync } from "node:child_process";
import { root } from "../../support/processes.js";
import { moduleCommand } from "../../support/runtime.js";

/** Loopback alone: everything else is unreachable. */
export const LOOPBACK_ONLY = "ip link set lo up";
/** And a network 10.9.0.0/24, where we are 10.9.0.1 and fe80::1; its other end is ours too, and answers nothing. */
export const ONE_NETWORK = [
  LOOPBACK_ONLY,
  "ip link add wire type veth peer name end",
  "ip link set wire addrgenmode none", // no other address, which packets would leave from after a while
  "ip addr add 10.9.0.1/24 broadcast 10.9.0.255 dev wire",
  "ip addr add fe80::1/64 dev wire nodad",
  "ip link set wire up",
  "ip link set end up",
].join(" && ");

/**
 * Prints a line for each UDP datagram on any interface: TTL, target, port. A raw socket needs the rights of root, or of the
 * namespace's owner. Node has no raw sockets; every Debian has Perl.
 */
const WATCHER = `
use Socket;
$| = 1;
socket(my $socket, 17, 2, unpack("n", pack("S", 3))) or die "no packet socket: $!"; # AF_PACKET, SOCK_DGRAM, all protocols
print "watching\\n";
while (defined recv($socket, my $packet, 65536, 0)) {
  my $version = ord($packet) >> 4;
  my ($ttl, $protocol, $target, $udp);
  if ($version == 4) {
    ($ttl, $protocol) = unpack("x8CC", $packet);
    $target = join ".", unpack("x16C4", $packet);
    $udp = 4 * (ord($packet) & 15);
  } elsif ($version == 6) {
    ($protocol, $ttl) = unpack("x6CC", $packet);
    $target = Socket::inet_ntop(AF_INET6, substr($packet, 24, 16));
    $udp = 40;
  }
  printf "ttl %d to %s port %d;\\n", $ttl, $target, unpack("n", substr($packet, $udp + 2, 2)) if defined $udp && $protocol == 17;
}`;

/** What programs begin with: the package, and how to wait and to watch. */
const PRELUDE = `import { spawn } from "node:child_process";
import { openSync, readFileSync, rmSync } from "node:fs";
import * as ringnet from "ringnet";
const { bindUdp, net, resolve } = ringnet;
function until(what, look) {
  for (const end = performance.now() + 5000; performance.now() < end; ringnet.poll([], 5)) {
    const found = look();
    if (found) return found;
  }
  throw new Error("no " + what + " in time");
}
/** What send, receive and the like throw. */
function codeOf(call) {
  try {
    call();
  } catch (error) {
    return error.code ?? String(error);
  }
  return "nothing was thrown";
}
function watch() {
  const path = "/tmp/ringnet-watch-" + process.pid;
  const file = openSync(path, "w+");
  const watcher = spawn("perl", ["-e", ${JSON.stringify(WATCHER)}], { stdio: ["ignore", file, file] });
  process.on("exit", () => (watcher.kill(), rmSync(path)));
  watcher.unref();
  const seen = () => readFileSync(path, "utf8");
  until("the watcher", () => seen().includes("watching"));
  return { waitFor: (pattern) => until(String(pattern), () => pattern.exec(seen()))[1], seen };
}
`;

/**
 * Runs the source text of a module in a new network namespace, after the shell commands `setup`; gives what it printed last, as JSON.
 * The text finds bindUdp, net, resolve, until, codeOf and watch.
 */
export function runInNamespace(setup: string, source: string): unknown {
  const unshare = process.getuid?.() === 0 ? "-n" : "-Urn";
  const program = moduleCommand(PRELUDE + source, []);
  const done = spawnSync(
    "unshare",
    [unshare, "sh", "-c", `PATH="$PATH:/usr/sbin:/sbin"; ${setup} && exec "$@"`, "sh", ...program],
    {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: undefined },
      encoding: "utf8",
      timeout: 20_000,
      killSignal: "SIGKILL",
    },
  );
  if (done.status !== 0)
    throw new Error(`${done.error?.message ?? ""}${done.signal ?? ""}\n${done.stdout}\n${done.stderr}`);
  return JSON.parse(done.stdout.trim().split("\n").at(-1) ?? "");
}
