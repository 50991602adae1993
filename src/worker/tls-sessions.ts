/**
 * TLS sessions to resume, by what decides about trust: a resumed handshake shows no certificate and checks no name, so a session is kept
 * only where both were verified, and only for the same peer asked for in the same way.
 *
 * Runs on the networking thread.
 */

import type { TLSSocket } from "node:tls";
import type { PeerCertificateFacts, Target, TlsParameters } from "../ring/protocol.js";
import { peerCertificateOf, rememberCertificate } from "./connection-facts.js";
import { fingerprint } from "./fingerprint.js";
import type { KeptContext } from "./tls-context-cache.js";

/** Most sessions that are kept; the ones used longest ago go first. */
const KEPT = 256;

/** A session, and the certificate that its server has shown: a resumed handshake does not show it again. */
export interface KeptSession {
  session: Buffer;
  certificate: PeerCertificateFacts | null;
}

export class TlsSessions {
  readonly #kept = new Map<string, KeptSession>();

  /** Begins a handshake that resumes the newest session for `key`, if there is one, and keeps its sessions for `key`. */
  resume(key: string, begin: (session: Buffer | undefined) => TLSSocket): TLSSocket {
    const known = this.#kept.get(key);
    const socket = begin(known?.session);
    if (known !== undefined) rememberCertificate(socket, known.certificate);
    this.#collect(key, socket);
    return socket;
  }

  /** Keeps the sessions of `socket` for `key`, once its peer is authorized: with TLS 1.2 they come before that is known. */
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

/** What a session with `target` is kept for. `servername`: the name that was verified, if it is not the target's own IP or path. */
export function sessionKey(
  { key }: KeptContext,
  target: Target,
  servername: string | undefined,
  { ALPNProtocols, rejectUnauthorized }: TlsParameters,
): string {
  const place = "path" in target ? ["path", target.path] : ["host", target.host, target.port];
  return fingerprint(key, place, servername, ALPNProtocols, rejectUnauthorized);
}
