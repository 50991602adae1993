/**
 * Facts about an open connection: addresses, ports, and what TLS has negotiated, in a form that can be posted.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { ConnectionFacts, PeerCertificateFacts, TlsFacts } from "../ring/protocol.js";
import { isSecure } from "./secure-modules.js";

/** Node's code where the peer of a new session has shown no certificate. */
const NO_CERTIFICATE = "UNABLE_TO_GET_ISSUER_CERT";

/** The server's certificate from the session that a connection may resume. */
const certificatesBefore = new WeakMap<TLSSocket, PeerCertificateFacts | null>();

/** Stores the server's certificate, because Node does not give it to a client that resumes a session. */
export function rememberCertificate(socket: TLSSocket, certificate: PeerCertificateFacts | null): void {
  certificatesBefore.set(socket, certificate);
}

/** The certificate of the peer of `socket`, shown in this handshake or in the one that began the session. */
export function peerCertificateOf(socket: TLSSocket): PeerCertificateFacts | null {
  const shown = certificateFacts(socket.getPeerCertificate());
  return shown ?? (socket.isSessionReused() ? (certificatesBefore.get(socket) ?? null) : null);
}

/** The facts of `socket`. */
export function connectionFacts(socket: Socket): ConnectionFacts {
  return {
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    tls: isSecure(socket) ? tlsFacts(socket) : null,
  };
}

/** The sockets of Bun's `node:https` don't say what TLS has negotiated; the peer counts as unauthorized there. */
const UNKNOWN: TlsFacts = {
  authorized: false,
  authorizationError: null,
  alpnProtocol: null,
  protocol: null,
  sessionReused: false,
  peerCertificate: null,
};

function tlsFacts(socket: TLSSocket): TlsFacts {
  if (typeof socket.getPeerCertificate !== "function") return UNKNOWN;
  const peerCertificate = peerCertificateOf(socket);
  const sessionReused = socket.isSessionReused();
  // A peer without a certificate is never authorized. Node 20 and 22 say that it is if a client without one resumes a session of
  // TLS 1.3; Deno says so if none was requested.
  const uncertified = socket.authorized && peerCertificate === null;
  return {
    authorized: socket.authorized && !uncertified,
    authorizationError: uncertified && sessionReused ? NO_CERTIFICATE : codeOf(socket.authorizationError),
    alpnProtocol: socket.alpnProtocol,
    protocol: socket.getProtocol(),
    sessionReused,
    peerCertificate,
  };
}

function codeOf(reason: Error | string | null | undefined): string | null {
  return reason ? ((reason as NodeJS.ErrnoException).code ?? String(reason)) : null;
}

function certificateFacts(certificate: PeerCertificate | null): PeerCertificateFacts | null {
  if (!certificate?.raw) return null;
  const { subject, issuer, subjectaltname, valid_from, valid_to, serialNumber, fingerprint, fingerprint256, raw } =
    certificate;
  return {
    subject: { ...subject } as unknown as Record<string, string | string[]>,
    issuer: { ...issuer } as unknown as Record<string, string | string[]>,
    subjectaltname,
    valid_from,
    valid_to,
    serialNumber,
    fingerprint,
    fingerprint256,
    raw: Uint8Array.from(raw),
  };
}
