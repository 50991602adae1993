/**
 * TLS to a server, over a new connection or over one through a proxy. Resumes sessions.
 *
 * Runs on the networking thread.
 */

import net, { type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { ConnectCommand, TlsParameters } from "../ring/protocol.js";
import { setDscp } from "./dscp.js";
import { nodeTls } from "./secure-modules.js";
import { checkIPv6, type KeptContext } from "./tls-context-cache.js";
import { sessionKey, type TlsSessions } from "./tls-sessions.js";

export class TlsClient {
  readonly #sessions: TlsSessions;

  constructor(sessions: TlsSessions) {
    this.#sessions = sessions;
  }

  /**
   * Starts the handshake over `below`, or over a new connection with `options`. The peer is verified for `servername`,
   * or else for `target`.
   */
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
    const begin = (session: Buffer | undefined): TLSSocket =>
      nodeTls().connect({
        ...options,
        ...(below === null ? {} : { socket: below, host }),
        secureContext: kept.context,
        rejectUnauthorized: rejectUnauthorized !== false,
        ...(servername === undefined ? {} : { servername }),
        ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
        ...(net.isIPv6(servername || host || "") ? { checkServerIdentity: checkIPv6 } : {}),
        ...(session === undefined ? {} : { session }),
      } as ConnectionOptions);
    const socket = this.#sessions.resume(sessionKey(kept, target, servername, parameters), begin);
    // Before Node 24 `tls.connect` ignores these options, and libuv loses the delay if it is set before the connection
    // is made.
    socket.once("connect", () => {
      socket.setNoDelay(noDelay);
      socket.setKeepAlive(keepAlive, keepAliveDelay);
      setDscp(socket, dscp);
    });
    // After the handshake Node only emits TLS errors (a changed record, an alert), and leaves the socket open.
    socket.on("error", () => socket.destroy());
    return socket;
  }
}
