/**
 * TLS sessions to resume, by what decides about trust: a resumed handshake shows no certificate and checks no name, so a session is kept
 * only where both were verified, and only for the same peer asked for in the same way.
 *
 * Runs on the networking thread.
 */

import type { TLSSocket } from "node:tls";
import type { PeerCertificateFacts } from "../ring/protocol.js";
import { peerCertificateOf } from "./connection-facts.js";

/** Most sessions that are kept; the ones used longest ago go first. */
const KEPT = 256;

/** A session, and the certificate that its server has shown: a resumed handshake does not show it again. */
export interface KeptSession {
  session: Buffer;
  certificate: PeerCertificateFacts | null;
}

export class TlsSessions {
  readonly #kept = new Map<string, KeptSession>();

  /** The newest session for `key`, a fingerprint. */
  recall(key: string): KeptSession | undefined {
    return this.#kept.get(key);
  }

  /** Keeps the sessions of `socket` for `key`, once its peer is authorized: with TLS 1.2 they come before that is known. */
  collect(key: string, socket: TLSSocket): void {
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
