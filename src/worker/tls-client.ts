/**
 * TLS to a server, over a connection that is still to be made or over one that a proxy gave. Sessions are resumed.
 *
 * Runs on the networking thread.
 */

import net, { type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { ConnectCommand, TlsParameters } from "../ring/protocol.js";
import { rememberCertificate } from "./connection-facts.js";
import { setDscp } from "./dscp.js";
import { fingerprint } from "./fingerprint.js";
import { nodeTls } from "./secure-modules.js";
import { checkIPv6, type KeptContext } from "./tls-context-cache.js";
import { TlsSessions } from "./tls-sessions.js";

export class TlsClient {
  readonly #sessions = new TlsSessions();

  /** Begins: over `below`, or over a connection that `options` make. The peer is verified for `target`, or `servername`. */
  connect(
    options: NetConnectOpts,
    {
      target,
      noDelay,
      keepAlive,
      keepAliveDelay,
      dscp,
    }: Pick<ConnectCommand, "target" | "noDelay" | "keepAlive" | "keepAliveDelay" | "dscp">,
    parameters: TlsParameters,
    kept: KeptContext,
    below: Socket | null,
  ): TLSSocket {
    const host = "path" in target ? undefined : target.host;
    // SNI must not be an IP (RFC 6066); the verified name is `servername`, or else the host.
    const servername = parameters.servername ?? (host !== undefined && net.isIP(host) === 0 ? host : undefined);
    const { rejectUnauthorized, ALPNProtocols } = parameters;
    const place = "path" in target ? ["path", target.path] : ["host", target.host, target.port];
    const sessionKey = fingerprint(kept.key, place, servername, ALPNProtocols, rejectUnauthorized);
    const known = this.#sessions.recall(sessionKey);
    const socket = nodeTls().connect({
      ...options,
      ...(below === null ? {} : { socket: below, host }),
      secureContext: kept.context,
      rejectUnauthorized: rejectUnauthorized !== false,
      ...(servername === undefined ? {} : { servername }),
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
      ...(net.isIPv6(servername || host || "") ? { checkServerIdentity: checkIPv6 } : {}),
      ...(known === undefined ? {} : { session: known.session }),
    } as ConnectionOptions);
    // Before Node 24 `tls.connect` ignores these options; libuv forgets the delay where it is set before the connection is made.
    socket.once("connect", () => {
      socket.setNoDelay(noDelay);
      socket.setKeepAlive(keepAlive, keepAliveDelay);
      setDscp(socket, dscp);
    });
    if (known !== undefined) rememberCertificate(socket, known.certificate);
    this.#sessions.collect(sessionKey, socket);
    // After the handshake Node only emits errors of TLS (a changed record, an alert) and leaves the socket open.
    socket.on("error", () => socket.destroy());
    return socket;
  }
}
