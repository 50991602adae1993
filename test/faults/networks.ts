/**
 * Two networks (Linux network namespaces), joined by a cable or by a bad line: packets can be lost, delayed,
 * reordered and repeated there, and the cable pulled, without touching the machine's own network.
 *
 * A program runs in network "a" at 10.77.0.1, its peer in network "b" at 10.77.0.2. A bad line is netem where the kernel has it,
 * and bad-line.pl (two TUN devices and a program between them) everywhere.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Behaviour, PeerOptions } from "../support/peers.js";
import { killSince, node, Process, root, runningCount } from "../support/processes.js";
import { fileCommand } from "../support/runtime.js";

export type Side = "a" | "b";
export const ADDRESS = { a: "10.77.0.1", b: "10.77.0.2" } as const;

const asRoot = process.getuid?.() === 0;
/** A user namespace as well, in which this user is root. */
const UNSHARE = asRoot ? ["-n"] : ["-Urn"];
const USER = asRoot ? [] : ["-U", "--preserve-credentials"];
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const LINE = join(root, "test/faults/bad-line.pl");

export interface Abilities {
  /** Whether network namespaces can be made and connected, also by bad-line.pl. */
  networks: boolean;
  /** Whether the kernel has netem. */
  netem: boolean;
  /** The system's message if it can't. */
  reason: string;
}

/** What a line does to packets. */
export interface Weather {
  /** Fraction of packets lost. */
  loss?: number;
  /** In ms. */
  delay?: number;
  /** In ms, random, on top of the delay: packets overtake each other. */
  jitter?: number;
  /** Fraction of packets that come twice. */
  repeat?: number;
}

export type Line = "our own line" | "netem";

/** Why network namespaces can be impossible: a container without privileges, no user namespaces, missing programs. */
export const FORBIDDEN =
  /not permitted|denied|no such (file|device)|not found|ENOENT|unknown device type|not supported|No space/i;

/** Finds out what this kernel and this user's rights allow, by trying. */
export function probe(): Abilities {
  const before = runningCount();
  try {
    const { a } = new JoinedNetworks({});
    try {
      a.run("tc qdisc add dev lo root netem loss 1%");
      return { networks: true, netem: true, reason: "" };
    } catch (error) {
      return { networks: true, netem: false, reason: (error as Error).message };
    }
  } catch (error) {
    return { networks: false, netem: false, reason: (error as Error).message };
  } finally {
    killSince(before);
  }
}

/** A network for one program: nothing but a loopback interface, with room for the program's own servers on any port. */
export class Network {
  readonly holder: Process;

  /** `within`: the network whose user namespace it shares. */
  constructor(within?: Network) {
    const enter = within === undefined ? ["unshare", ...UNSHARE] : [...within.#enter, "unshare", "-n"];
    const hold = ["sh", "-c", "ip link set lo up && echo ready && exec cat"];
    const [command, ...args] = [...enter, ...hold] as [string, ...string[]];
    this.holder = new Process(command, args, { env: { PATH } });
    this.holder.waitForOutput(/ready/);
  }

  get #enter(): string[] {
    return ["nsenter", "-t", `${this.holder.pid}`, ...USER, "-n", "--"];
  }

  /** The command that runs `command` in this network. */
  command(...command: string[]): [string, string[]] {
    const [first, ...rest] = [...this.#enter, ...command];
    return [first as string, rest];
  }

  /** Starts a command in this network. */
  start(command: string[], options: { cwd?: string; env?: Record<string, string | undefined> } = {}): Process {
    const [first, rest] = this.command(...command);
    return new Process(first, rest, { ...options, env: { NODE_OPTIONS: undefined, PATH, ...options.env } });
  }

  /** Runs a shell script in this network to its end; throws when it fails. */
  run(script: string): string {
    const [first, rest] = this.command("sh", "-ec", script);
    const done = spawnSync(first, rest, { encoding: "utf8", timeout: 20_000, env: { ...process.env, PATH } });
    if (done.status !== 0) throw new Error(`${script}: ${done.error?.message ?? done.stderr}`);
    return done.stdout;
  }
}

/** Two networks that are joined. */
export class JoinedNetworks {
  readonly a = new Network();
  b = new Network(this.a);
  readonly #weather: Weather | null;
  readonly #line: Line | "cable";
  #program: Process | null = null;

  /** Joined by a good cable, or by a line with this weather. */
  constructor(weather: Weather | null = null, line: Line = "our own line") {
    this.#weather = weather;
    this.#line = weather === null ? "cable" : line;
    this.#join();
  }

  /** Pulls the cable out. The programs on both sides are not notified. */
  pull(): void {
    this.b.run(`ip link set ${this.#device("b")} down`);
  }

  /** Puts it back. */
  plug(): void {
    this.b.run(`ip link set ${this.#device("b")} up`);
  }

  /**
   * Side "b" reboots: no program runs there, and its kernel has no connection. For cables.
   * `programs` ran there.
   */
  crash(...programs: Process[]): void {
    this.pull();
    for (const program of [...programs, this.b.holder]) {
      program.kill();
      program.waitForExit();
    }
    // The kernel keeps the old network, with its connections, for a while, but nothing reaches it any more.
    this.a.run("ip link delete cable-a");
    this.b = new Network(this.a);
    this.#join();
  }

  /** Ends our own line, and returns what it did to packets. */
  statistics(): Record<"carried" | "lost" | "late" | "repeated", number> {
    const program = this.#program as Process;
    program.endInput();
    const text = program.waitForOutput(/^carried=.*$/m)[0];
    return Object.fromEntries(text.split(" ").map((pair) => [pair.split("=")[0], Number(pair.split("=")[1])])) as never;
  }

  #device(side: Side): string {
    return this.#line === "our own line" ? `line-${side}` : `cable-${side}`;
  }

  #join(): void {
    const b = this.b.holder.pid;
    const { loss = 0, delay = 0, jitter = 0, repeat = 0 } = this.#weather ?? {};
    if (this.#line === "our own line") {
      this.#program = this.a.start(["perl", LINE, "1", `${loss}`, `${delay}`, `${jitter}`, `${repeat}`]);
      this.#program.waitForOutput(/ready/);
      this.a.run(`ip link set line-b netns ${b}`);
    } else {
      this.a.run(`ip link add cable-a type veth peer name cable-b netns ${b}`);
    }
    for (const [side, other] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const device = this.#device(side);
      const address = this.#line === "our own line" ? `${ADDRESS[side]} peer ${ADDRESS[other]}` : `${ADDRESS[side]}/24`;
      this[side].run(`ip address add ${address} dev ${device}; ip link set ${device} up`);
      if (this.#line !== "netem") continue;
      const late = delay + jitter > 0 ? `delay ${delay + jitter / 2}ms ${jitter / 2}ms` : "";
      this[side].run(`tc qdisc add dev ${device} root netem loss ${100 * loss}% ${late} duplicate ${100 * repeat}%`);
    }
  }
}

/** A behaviour of test/support/behaviours.js, listening on all addresses of a network. */
export function startPeerIn(
  network: Network,
  behaviour: Behaviour,
  options: PeerOptions = {},
): { process: Process; port: number } {
  const all = { ...options, behaviour, host: "0.0.0.0" };
  const peer = network.start([node, join(root, "test/support/peer.js"), JSON.stringify(all)]);
  return { process: peer, port: Number(peer.waitForOutput(/"event":"listening","port":(\d+)/)[1]) };
}

/** Starts one of the programs of this folder in a network. */
export function startProgramIn(network: Network, name: string, ...args: (string | number)[]): Process {
  return network.start(fileCommand(join(root, "test/faults/programs", name), ...args));
}
