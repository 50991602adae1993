/**
 * Opens connections: finds the addresses, tries them all (`AddressRace`), and with TLS verifies the peer, before the connection says
 * that it is open.
 *
 * Runs on the networking thread.
 */

import net, { type LookupFunction, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ConnectCommand, Target, TlsParameters } from "../ring/protocol.js";
import { AddressRace } from "./address-race.js";
import type { CallerLink } from "./caller-link.js";
import { Connection } from "./connection.js";
import { rememberCertificate } from "./connection-facts.js";
import { setDscp } from "./dscp.js";
import { fingerprint } from "./fingerprint.js";
import { type Addresses, Lookup, type Resolver } from "./resolver.js";
import { nodeTls } from "./secure-modules.js";
import { Slot } from "./slot.js";
import { checkSocketPath } from "./socket-path.js";
import { checkIPv6, type KeptContext, type TlsContextCache } from "./tls-context-cache.js";
import { TlsSessions } from "./tls-sessions.js";

export class Connector {
  readonly #resolver: Resolver;
  readonly #tlsContexts: TlsContextCache;
  readonly #sessions = new TlsSessions();
  readonly #lingerMs: number;

  constructor(resolver: Resolver, tlsContexts: TlsContextCache, lingerMs: number) {
    this.#resolver = resolver;
    this.#tlsContexts = tlsContexts;
    this.#lingerMs = lingerMs;
  }

  /** Opens what `command` asks for; how it goes is said in its slot. */
  connect(link: CallerLink, command: ConnectCommand): void {
    const connection = new Connection(new Slot(link, command.slot), command.rings, this.#lingerMs);
    if ("host" in command.target) connection.host = command.target.host;
    const options = { ...optionsOf(command), onread: connection.onread };
    let context: KeptContext | null = null;
    const race = new AddressRace(
      (address) => {
        const where = { ...options, ...placeOf(command.target, address) } as unknown as NetConnectOpts;
        if (command.tls !== null) return this.#secure(where, command, command.tls, context as KeptContext);
        const socket = net.connect(where);
        socket.once("connect", () => setDscp(socket, command.dscp));
        return socket;
      },
      (socket) => {
        connection.take(socket, true);
        if (command.tls === null) connection.opened();
        else socket.once("secureConnect", () => connection.opened());
      },
      (error) => connection.failed(error),
    );
    connection.connecting(() => race.giveUp());
    const start = (addresses: Addresses, kept: KeptContext | null): void => {
      context = kept;
      try {
        race.start(usable(addresses, command));
      } catch (error) {
        race.fail(error);
      }
    };
    try {
      const kept = command.tls === null ? null : this.#tlsContexts.context(command.tls);
      const addresses = this.#addressesOf(link, command.target);
      if (addresses instanceof Promise || kept instanceof Promise) {
        Promise.all([addresses, kept]).then(
          ([found, ready]) => start(found, ready),
          (error) => race.fail(error),
        );
      } else {
        start(addresses, kept);
      }
    } catch (error) {
      race.fail(error);
    }
    connection.service(); // the caller may have asked for its end before this
  }

  #secure(options: NetConnectOpts, command: ConnectCommand, parameters: TlsParameters, kept: KeptContext): Socket {
    const { target } = command;
    const host = "path" in target ? undefined : target.host;
    // SNI must not be an IP (RFC 6066); the verified name is `servername`, or else the host.
    const servername = parameters.servername ?? (host !== undefined && net.isIP(host) === 0 ? host : undefined);
    const { rejectUnauthorized, ALPNProtocols } = parameters;
    const place = "path" in target ? ["path", target.path] : ["host", target.host, target.port];
    const sessionKey = fingerprint(kept.key, place, servername, ALPNProtocols, rejectUnauthorized);
    const known = this.#sessions.recall(sessionKey);
    const socket = nodeTls().connect({
      ...options,
      secureContext: kept.context,
      rejectUnauthorized: rejectUnauthorized !== false,
      ...(servername === undefined ? {} : { servername }),
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
      ...(net.isIPv6(servername || host || "") ? { checkServerIdentity: checkIPv6 } : {}),
      ...(known === undefined ? {} : { session: known.session }),
    } as ConnectionOptions);
    // Before Node 24 `tls.connect` ignores these options; libuv forgets the delay where it is set before the connection is made.
    socket.once("connect", () => {
      socket.setNoDelay(command.noDelay);
      socket.setKeepAlive(command.keepAlive, command.keepAliveDelay);
      setDscp(socket, command.dscp);
    });
    if (known !== undefined) rememberCertificate(socket, known.certificate);
    this.#sessions.collect(sessionKey, socket);
    // After the handshake Node only emits errors of TLS (a changed record, an alert) and leaves the socket open.
    socket.on("error", () => socket.destroy());
    return socket;
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

function optionsOf({ noDelay, keepAlive, keepAliveDelay, localAddress, localPort }: ConnectCommand): object {
  return {
    allowHalfOpen: true,
    noDelay,
    keepAlive,
    keepAliveInitialDelay: keepAliveDelay,
    ...(localAddress === null ? {} : { localAddress }),
    ...(localPort === 0 ? {} : { localPort }),
  };
}

/** One attempt: the name, which TLS verifies, with this address as the answer of its look-up. */
function placeOf(target: Target, address: string): object {
  if ("path" in target) {
    checkSocketPath(target.path, "connect");
    return { path: target.path };
  }
  const family = net.isIP(address);
  const lookup: LookupFunction = (_, options, callback) => {
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
  return { host: target.host, port: target.port, family, autoSelectFamily: false, lookup };
}

/** The addresses that can be reached from the local address. Throws where there are none. */
function usable(addresses: Addresses, { target, localAddress }: ConnectCommand): Addresses {
  if ("path" in target) return addresses;
  const family = net.isIP(localAddress ?? "");
  const found = family === 0 ? addresses : addresses.filter((address) => net.isIP(address) === family);
  if (found.length > 0) return found;
  const message = `connect EAFNOSUPPORT: ${target.host} has no address of the local address's family`;
  throw Object.assign(new Error(message), { code: "EAFNOSUPPORT", syscall: "connect" });
}
