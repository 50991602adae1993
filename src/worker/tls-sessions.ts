/**
 * TLS sessions to resume. A resumed handshake shows no certificate and checks no name, so a session is kept only if
 * both were verified, and its key covers everything that decides about trust.
 *
 * Runs on the networking thread.
 */

import type { TLSSocket } from "node:tls";
import type { PeerCertificateFacts, Target, TlsParameters } from "../ring/protocol.js";
import { peerCertificateOf, rememberCertificate } from "./connection-facts.js";
import { fingerprint } from "./fingerprint.js";
import type { KeptContext } from "./tls-context-cache.js";

/** The most sessions kept; the oldest are dropped first. */
const KEPT = 256;

/** A session, and the certificate that its server has shown: a resumed handshake does not show it again. */
export interface KeptSession {
  session: Buffer;
  certificate: PeerCertificateFacts | null;
}

export class TlsSessions {
  readonly #kept = new Map<string, KeptSession>();

  /**
   * Starts a handshake with `begin`, which resumes the newest session for `key` if there is one, and keeps its sessions
   * for `key`.
   */
  resume(key: string, begin: (session: Buffer | undefined) => TLSSocket): TLSSocket {
    const known = this.#kept.get(key);
    const socket = begin(known?.session);
    if (known !== undefined) rememberCertificate(socket, known.certificate);
    this.#collect(key, socket);
    return socket;
  }

  /**
   * Keeps the sessions of `socket` for `key` if its peer is authorized; with TLS 1.2 they come before that is known.
   */
  #collect(key: string, socket: TLSSocket): void {
    let early: Buffer | null = null;
    let settled = false;
    const keep = (session: Buffer): void => {
      if (!socket.authorized) return;
      this.#kept.delete(key);
      this.#kept.set(key, { session, certificate: peerCertificateOf(socket) });
      if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    };
    socket.on("session", (session) => {
      if (settled) keep(session);
      else early = session;
    });
    socket.once("secureConnect", () => {
      settled = true;
      if (early !== null) keep(early);
    });
  }
}

/** The key of sessions with `target`. `servername`: the verified name, unless that is the target's own IP or path. */
export function sessionKey(
  { key }: KeptContext,
  target: Target,
  servername: string | undefined,
  { ALPNProtocols, rejectUnauthorized }: TlsParameters,
): string {
  const place = "path" in target ? ["path", target.path] : ["host", target.host, target.port];
  return fingerprint(key, place, servername, ALPNProtocols, rejectUnauthorized);
}
