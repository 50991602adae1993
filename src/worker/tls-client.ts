/**
 * TLS to a server, over a new connection, one through a proxy, or one that began in plain text. Resumes sessions.
 *
 * Runs on the networking thread.
 */

import { isIP, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";
import type { ConnectCommand, Target, TlsParameters } from "../ring/protocol.js";
import { setDscp } from "./dscp.js";
import { verifyingChain } from "./other-runtimes.js";
import { nodeCrypto, nodeTls } from "./secure-modules.js";
import type { KeptContext } from "./tls-context-cache.js";
import { sessionKey, type TlsSessions } from "./tls-sessions.js";

export class TlsClient {
  readonly #sessions: TlsSessions;

  constructor(sessions: TlsSessions) {
    this.#sessions = sessions;
  }

  /** Starts the handshake over `below`, or over a new connection with `options`; see `startHandshake`. */
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
    const place = below === null ? options : { socket: below };
    const socket = startHandshake(this.#sessions, kept, target, parameters, place);
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

/**
 * Starts a handshake over the socket of `place`, or over a new connection with its options. The peer is verified for
 * `servername`, or else for the host of `target`. Sessions with `target` are resumed; without a target (an accepted
 * connection, whose peer is not a known server) none are.
 */
export function startHandshake(
  sessions: TlsSessions,
  kept: KeptContext,
  target: Target | null,
  parameters: TlsParameters,
  place: NetConnectOpts | { socket: Socket },
): TLSSocket {
  const host = target !== null && "host" in target ? target.host : undefined;
  const { rejectUnauthorized, ALPNProtocols, servername = host } = parameters;
  const verified = (servername || host)?.replace(/\.$/, "");
  // RFC 6066, section 3: neither an IP nor a dot at the end is sent.
  const sent = servername !== "" && isIP(verified ?? "") === 0 ? verified : "";
  const begin = (session: Buffer | undefined): TLSSocket =>
    nodeTls().connect(
      verifyingChain({
        ...place,
        secureContext: kept.context,
        rejectUnauthorized: rejectUnauthorized !== false,
        ...(verified === undefined ? {} : { servername: sent }),
        ...(verified === undefined || sent !== "" ? {} : verifying(verified)),
        ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
        ...(session === undefined ? {} : { session }),
      } as ConnectionOptions),
    );
  return target === null ? begin(undefined) : sessions.resume(sessionKey(kept, target, servername, parameters), begin);
}

/**
 * Verifies a name or an IP that is not sent. Given as `host`, Bun and Deno would send the name, and some releases of Node 22 take an IPv6
 * address for a name, and refuse all certificates.
 */
function verifying(host: string): ConnectionOptions {
  return { checkServerIdentity: (_host, certificate) => checkIdentity(host, certificate) };
}

function checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const { X509Certificate } = nodeCrypto();
  const isOfIP = isIP(host) !== 0 && new X509Certificate(certificate.raw).checkIP(host) !== undefined;
  return isOfIP ? undefined : nodeTls().checkServerIdentity(host, certificate);
}
