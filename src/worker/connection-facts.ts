/**
 * What is known of an open connection: addresses, ports, and what TLS agreed on, in a form that can travel.
 *
 * Runs on the networking thread.
 */

import type { Socket } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import type { ConnectionFacts, PeerCertificateFacts, TlsFacts } from "../ring/protocol.js";

/** The facts of `socket`. */
export function connectionFacts(socket: Socket): ConnectionFacts {
  return {
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    tls: socket instanceof TLSSocket ? tlsFacts(socket) : null,
  };
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const reason = socket.authorizationError as Error | string | null | undefined;
  return {
    authorized: socket.authorized,
    authorizationError: reason ? ((reason as NodeJS.ErrnoException).code ?? String(reason)) : null,
    alpnProtocol: socket.alpnProtocol,
    protocol: socket.getProtocol(),
    sessionReused: socket.isSessionReused(),
    peerCertificate: certificateFacts(socket.getPeerCertificate()),
  };
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
