/**
 * Opens connections: finds the addresses, tries them all (RFC 8305, "happy eyeballs", as `node:net` does it), and with
 * TLS verifies the peer, before the connection says that it is open.
 *
 * Runs on the networking thread.
 */

import net, { type LookupFunction, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ConnectCommand } from "../ring/protocol.js";
import type { CallerLink } from "./caller-link.js";
import { Connection } from "./connection.js";
import { peerCertificateOf, rememberCertificate } from "./connection-facts.js";
import { type Addresses, Lookup, type Resolver } from "./resolver.js";
import { nodeTls } from "./secure-modules.js";
import { Slot } from "./slot.js";
import { checkSocketPath } from "./socket-path.js";
import { checkIPv6, type TlsContextCache } from "./tls-context-cache.js";

export class Connector {
  readonly #resolver: Resolver;
  readonly #tlsContexts: TlsContextCache;
  readonly #lingerMs: number;

  constructor(resolver: Resolver, tlsContexts: TlsContextCache, lingerMs: number) {
    this.#resolver = resolver;
    this.#tlsContexts = tlsContexts;
    this.#lingerMs = lingerMs;
  }

  /** Opens what `command` asks for; how it goes is said in its slot. */
  connect(link: CallerLink, command: ConnectCommand): void {
    const connection = new Connection(new Slot(link, command.slot), command.rings, this.#lingerMs);
    try {
      const direct = { onread: connection.onread, allowHalfOpen: true, noDelay: command.noDelay };
      const alive = { keepAlive: command.keepAlive, keepAliveInitialDelay: command.keepAliveDelay };
      const options = { ...this.#where(link, command), ...direct, ...alive } as unknown as NetConnectOpts;
      const socket = command.tls === null ? net.connect(options) : this.#secure(options, command);
      connection.take(socket, true);
      socket.once(command.tls === null ? "connect" : "secureConnect", () => connection.opened());
      connection.service(); // the caller may have asked for its end before this
    } catch (error) {
      connection.failed(error);
    }
  }

  #secure(options: NetConnectOpts, command: ConnectCommand): Socket {
    const { target } = command;
    const parameters = command.tls ?? {};
    const host = "path" in target ? undefined : target.host;
    const peer = "path" in target ? target.path : `${target.host} ${target.port}`;
    const { options: tls, sessionKey, kept } = this.#tlsContexts.clientOptions(parameters, peer);
    // SNI must not be an IP (RFC 6066); the verified name is `servername`, or else the host.
    if (tls.servername === undefined && host !== undefined && net.isIP(host) === 0) tls.servername = host;
    if (net.isIPv6(tls.servername || host || "")) tls.checkServerIdentity = checkIPv6;
    const socket = nodeTls().connect({ ...options, ...tls } as ConnectionOptions);
    if (kept !== undefined) rememberCertificate(socket, kept.certificate);
    socket.on("session", (session) =>
      this.#tlsContexts.keepSession(sessionKey, { session, certificate: peerCertificateOf(socket) }),
    );
    // Behind the handshake Node only tells of an error of TLS (a changed record, an alert) and leaves the socket open.
    socket.on("error", () => socket.destroy());
    return socket;
  }

  #where(link: CallerLink, command: ConnectCommand): object {
    const { target, localAddress } = command;
    if ("path" in target) {
      checkSocketPath(target.path, "connect");
      return { path: target.path };
    }
    const lookup = target.lookup === null ? undefined : link.handles.get(target.lookup);
    const addresses =
      target.addresses !== null
        ? Promise.resolve(target.addresses)
        : lookup instanceof Lookup
          ? lookup.addresses
          : this.#resolver.resolve(target.host);
    addresses.catch(() => {}); // told to whoever asks for them below
    return {
      host: target.host,
      port: target.port,
      autoSelectFamily: true,
      lookup: answering(addresses),
      ...(localAddress === null ? {} : { localAddress, family: net.isIP(localAddress) }),
    };
  }
}

/** A look-up function for Node's sockets that answers with `addresses`, however it is asked. */
function answering(addresses: Promise<Addresses>): LookupFunction {
  return (host, options, callback) => {
    addresses.then(
      (found) => {
        const all = found
          .map((address) => ({ address, family: net.isIP(address) }))
          .filter(({ family }) => !options.family || family === options.family);
        const first = all[0];
        if (first === undefined) callback(noSuchFamily(host), options.all ? [] : "", 0);
        else if (options.all) callback(null, all);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, options.all ? [] : "", 0),
    );
  };
}

function noSuchFamily(host: string): NodeJS.ErrnoException {
  const message = `connect EAFNOSUPPORT: ${host} has no address of the local address's family`;
  return Object.assign(new Error(message), { code: "EAFNOSUPPORT", syscall: "connect" });
}
