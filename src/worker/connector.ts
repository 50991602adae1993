/**
 * Opens connections: looks up the addresses, tries them (`AddressRace`), asks the proxy if there is one, and verifies
 * the TLS peer. Then the connection is open.
 *
 * Runs on the networking thread.
 */

import net, { type NetConnectOpts, type Socket } from "node:net";
import { STAGE_CONNECT, STAGE_PROXY, STAGE_RESOLVE, STAGE_TLS } from "../ring/layout.js";
import type { ConnectCommand, ProxyTarget, Target, TlsParameters } from "../ring/protocol.js";
import { AddressRace } from "./address-race.js";
import { type BoundPort, boundPort } from "./bound-port.js";
import type { CallerLink } from "./caller-link.js";
import { Connection } from "./connection.js";
import { setDscp } from "./dscp.js";
import { httpConnect } from "./http-connect.js";
import { withOnread } from "./node-internals.js";
import { READS_INTO_BUFFERS } from "./other-runtimes.js";
import { ProxyConversation, proxyError } from "./proxy-conversation.js";
import { type Addresses, Lookup, type Resolver } from "./resolver.js";
import { isSecure } from "./secure-modules.js";
import { Slot } from "./slot.js";
import { checkSocketPath } from "./socket-path.js";
import { socks5 } from "./socks5.js";
import { TlsClient } from "./tls-client.js";
import type { KeptContext, TlsContextCache } from "./tls-context-cache.js";
import type { TlsSessions } from "./tls-sessions.js";

/** Where to connect to, and how. */
export type DialCommand = Omit<ConnectCommand, "type" | "slot" | "rings" | "bound">;

/** The receiver of the socket: a connection, or a WebSocket that is opening. */
export interface Recipient {
  readonly slot: Slot;
  /** The `onread` option of the socket; null if it is read by events. */
  readonly onread: Connection["onread"] | null;
  /** The attempt has started; `giveUp` cancels it without reporting anything. */
  connecting(giveUp: () => void): void;
  /** Bytes that arrived before the socket was handed over. Only with `onread`. */
  early(bytes: Uint8Array): void;
  /** The socket is connected; its TLS handshake may still follow. */
  take(socket: Socket, direct: boolean): void;
  /** The socket is connected, with TLS the peer is verified. */
  opened(): void;
  /** The attempt has failed. */
  failed(error: unknown): void;
  service(): void;
}

export class Connector {
  readonly #resolver: Resolver;
  readonly #tlsContexts: TlsContextCache;
  readonly #tls: TlsClient;
  readonly #lingerMs: number;

  constructor(resolver: Resolver, tlsContexts: TlsContextCache, sessions: TlsSessions, lingerMs: number) {
    this.#resolver = resolver;
    this.#tlsContexts = tlsContexts;
    this.#tls = new TlsClient(sessions);
    this.#lingerMs = lingerMs;
  }

  /** Opens a connection as `command` says; its slot gets the result. */
  connect(link: CallerLink, command: ConnectCommand): void {
    const connection = new Connection(new Slot(link, command.slot), command.rings, this.#lingerMs);
    connection.target = command.target;
    this.dial(link, command, connection, command.bound === null ? null : boundPort(link, command.bound));
  }

  /** Connects a socket for `connection`; `bound` is the port to connect from, or null. */
  dial(link: CallerLink, command: DialCommand, connection: Recipient, bound: BoundPort | null = null): void {
    const { proxy } = command;
    const hop = proxy === null ? command : { ...command, target: targetOf(proxy), tls: command.proxyTls };
    const { onread } = connection;
    const direct = proxy === null && onread !== null && READS_INTO_BUFFERS;
    let context: KeptContext | null = null;
    const race = new AddressRace(
      (address) => {
        connection.slot.reach(STAGE_CONNECT);
        const where = attemptOf(command, hop.target, address, direct ? onread : null);
        if (hop.tls !== null) return this.#tls.connect(where, hop, hop.tls, context as KeptContext, null);
        const socket = net.connect(bound === null ? where : fromBound(where, bound.take().handle));
        if (command.dscp !== undefined) socket.once("connect", () => setDscp(socket, command.dscp));
        return socket;
      },
      (socket) => {
        if (hop.tls !== null) connection.slot.reach(STAGE_TLS);
        if (proxy !== null) this.#ask(proxy, socket, link, command, connection);
        else this.#give(connection, socket, direct, command.tls);
      },
      (error) => {
        bound?.close();
        connection.failed(proxy === null ? error : ofProxy(proxy, error));
      },
    );
    connection.connecting(() => {
      race.giveUp();
      bound?.close();
    });
    const start = (addresses: Addresses, kept: KeptContext | null): void => {
      context = kept;
      try {
        const each = usable(addresses, hop);
        race.start(bound === null ? each : each.slice(0, 1)); // a socket makes one attempt
      } catch (error) {
        race.fail(error);
      }
    };
    try {
      const reach = (stage: number): void => {
        if (!race.over) connection.slot.reach(stage);
      };
      const kept = hop.tls === null ? null : this.#contextOf(hop.tls, reach);
      reach(STAGE_RESOLVE);
      const addresses = this.#addressesOf(link, hop.target);
      if (addresses instanceof Promise || kept instanceof Promise) {
        const found = Promise.resolve(addresses).then((each) => {
          if (kept instanceof Promise) reach(STAGE_TLS);
          return each;
        });
        Promise.all([found, kept]).then(
          ([each, ready]) => start(each, ready),
          (error) => race.fail(error),
        );
      } else {
        start(addresses, kept);
      }
    } catch (error) {
      race.fail(error);
    }
    connection.service(); // the caller may have requested its end before this
  }

  /** The connection to the host itself, over `socket` to the proxy. */
  #ask(proxy: ProxyTarget, socket: Socket, link: CallerLink, command: DialCommand, connection: Recipient): void {
    let abandoned = false;
    connection.connecting(() => {
      abandoned = true;
      socket.destroy();
    });
    socket.on("error", () => socket.destroy()); // the code that awaits the socket reports it
    const fail = (error: unknown): void => {
      socket.destroy();
      if (!abandoned) connection.failed(error);
    };
    const reach = (stage: number): void => {
      if (!abandoned) connection.slot.reach(stage);
    };
    const context = async () => (command.tls === null ? null : this.#contextOf(command.tls, reach));
    const given = (kept: KeptContext | null): void => {
      if (abandoned) return;
      if (socket.destroyed) throw ofProxy(proxy, proxyError("it ended the connection"));
      if (command.tls === null) this.#giveTunnel(connection, socket, command);
      else {
        const secure = this.#tls.connect({} as NetConnectOpts, command, command.tls, kept as KeptContext, socket);
        this.#give(connection, secure, false, command.tls);
      }
    };
    this.#handshake(proxy, socket, link, command.target, connection.slot)
      .catch((error) => {
        throw ofProxy(proxy, error);
      })
      .then(context)
      .then(given)
      .catch(fail);
  }

  /** The context for TLS; a promise if it takes time, or fails later. That is in the stage of TLS. */
  #contextOf(parameters: TlsParameters, reach: (stage: number) => void): KeptContext | Promise<KeptContext> {
    reach(STAGE_TLS);
    const kept = this.#tlsContexts.context(parameters);
    if (!(kept instanceof Promise)) return kept;
    return kept.catch((error) => {
      reach(STAGE_TLS);
      throw error;
    });
  }

  async #handshake(proxy: ProxyTarget, socket: Socket, link: CallerLink, target: Target, slot: Slot): Promise<void> {
    if ("path" in target) throw new Error("a Unix domain socket is not reached through a proxy");
    if (isSecure(socket)) await secured(socket);
    slot.reach(STAGE_PROXY);
    const conversation = new ProxyConversation(socket);
    if (proxy.kind === "http" || proxy.kind === "https") {
      await httpConnect(conversation, proxy, target.host, target.port);
    } else {
      const host = proxy.kind === "socks5h" ? target.host : (await this.#addressesOf(link, target))[0];
      await socks5(conversation, proxy, host ?? target.host, target.port);
    }
    conversation.finish();
  }

  /** The tunnel becomes the connection. Plain TCP is read into the ring from here on. */
  #giveTunnel(connection: Recipient, socket: Socket, { noDelay, keepAlive, keepAliveDelay }: DialCommand): void {
    let own = { socket, direct: false };
    const { onread } = connection;
    if (!isSecure(socket) && onread !== null) {
      for (let early = socket.read(); early !== null; early = socket.read()) connection.early(early);
      own = withOnread(socket, onread);
      own.socket.setNoDelay(noDelay); // a socket object has only the settings made on it
      own.socket.setKeepAlive(keepAlive, keepAliveDelay);
    }
    this.#give(connection, own.socket, own.direct, null);
  }

  #give(connection: Recipient, socket: Socket, direct: boolean, tls: TlsParameters | null): void {
    connection.take(socket, direct);
    if (tls === null) connection.opened();
    else socket.once("secureConnect", () => connection.opened());
  }

  /** The IPs to connect to; for a Unix domain socket its path. */
  #addressesOf(link: CallerLink, target: Target): Addresses | Promise<Addresses> {
    if ("path" in target) return [target.path];
    if (target.addresses !== null) return target.addresses;
    if (net.isIP(target.host) !== 0) return [target.host];
    const lookup = target.lookup === null ? undefined : link.handles.get(target.lookup);
    return lookup instanceof Lookup ? lookup.addresses : this.#resolver.resolve(target.host);
  }
}

/**
 * Node's options for one attempt. One literal, because an object that is put together gets a hidden class of its own, and every function of
 * Node that reads it is slow.
 */
function attemptOf(
  { noDelay, keepAlive, keepAliveDelay, localAddress, localPort }: DialCommand,
  target: Target,
  address: string,
  onread: Recipient["onread"],
): NetConnectOpts {
  const path = "path" in target ? target.path : undefined;
  if (path !== undefined) checkSocketPath(path, "connect");
  const options = {
    path,
    host: path === undefined ? address : undefined,
    port: "port" in target ? target.port : undefined,
    family: path === undefined ? net.isIP(address) : undefined,
    allowHalfOpen: true,
    noDelay,
    keepAlive,
    keepAliveInitialDelay: keepAliveDelay,
    localAddress: localAddress ?? undefined,
    localPort: localPort === 0 ? undefined : localPort,
    onread: onread ?? undefined,
  };
  return options as unknown as NetConnectOpts;
}

/** The options to connect the bound socket `handle`. Without a local address it is one for both families. */
function fromBound(options: NetConnectOpts, handle: object): NetConnectOpts {
  const { host = "", localAddress } = options as { host?: string; localAddress?: string };
  const mapped = net.isIP(host) === 4 && localAddress === undefined ? { host: `::ffff:${host}`, family: 6 } : {}; // RFC 4291, 2.5.5.2
  // `handle` and `manualStart` (do not read before it is connected) are not in Node's documentation.
  return { ...options, ...mapped, localAddress: undefined, handle, manualStart: true } as unknown as NetConnectOpts;
}

function targetOf({ host, port }: ProxyTarget): Target {
  return { host, port, addresses: null, lookup: null };
}

/** Resolves once the peer of `socket` is verified. */
function secured(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed before TLS was established")));
  });
}

/** An error of the connection to the proxy. */
function ofProxy({ host, port }: ProxyTarget, error: unknown): Error {
  const { code, message, syscall, address } = error as NodeJS.ErrnoException & { address?: string };
  const fields = { code, syscall, address, port: (error as { port?: number }).port };
  return Object.assign(new Error(`proxy ${host}:${port}: ${message}`), fields);
}

/** The addresses that can be reached from the local address. Throws if there are none. */
function usable(
  addresses: Addresses,
  { target, localAddress }: Pick<ConnectCommand, "target" | "localAddress">,
): Addresses {
  if ("path" in target) return addresses;
  // The first IP that is not IPv4 costs milliseconds: Node compiles a long regular expression for it.
  const family = localAddress === null ? 0 : net.isIP(localAddress);
  const found = family === 0 ? addresses : addresses.filter((address) => net.isIP(address) === family);
  if (found.length > 0) return found;
  const message = `connect EAFNOSUPPORT: ${target.host} has no address of the local address's family`;
  throw Object.assign(new Error(message), { code: "EAFNOSUPPORT", syscall: "connect" });
}
