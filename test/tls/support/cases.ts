/**
 * The kinds of certificates that a server may show, and how a client must judge each.
 */

import { Authority, type Identity, selfSigned } from "./certificates.js";

export interface Case {
  identity: Identity;
  /** Intermediate authorities that the server shows too. */
  chain: string[];
  /** The name that the client connects to. */
  name: string;
  /** Node's error code and the text; absent if the certificate is good. */
  fault?: { code: string; text: RegExp };
}

/** The authority that clients trust. */
export const authority = new Authority("ringnet test root");
const intermediate = new Authority("ringnet test intermediate", authority);
const stranger = new Authority("somebody else's root");

const here = { names: ["localhost"], ips: ["127.0.0.1"] };
const good = authority.issue(here);
const issuedBelow = intermediate.issue(here);

export const CASES = {
  "a good certificate": { identity: good, chain: [], name: "localhost" },
  "a good certificate for the IP": { identity: good, chain: [], name: "127.0.0.1" },
  "a good certificate of an intermediate authority": {
    identity: issuedBelow,
    chain: [intermediate.cert],
    name: "localhost",
  },
  "an expired certificate": {
    identity: authority.issue({ ...here, from: "20200101", until: "20210101" }),
    chain: [],
    name: "localhost",
    fault: { code: "CERT_HAS_EXPIRED", text: /certificate has expired/ },
  },
  "a certificate that is not valid yet": {
    identity: authority.issue({ ...here, from: "20900101", until: "20910101" }),
    chain: [],
    name: "localhost",
    fault: { code: "CERT_NOT_YET_VALID", text: /certificate is not yet valid/ },
  },
  "a certificate for another name": {
    identity: authority.issue({ names: ["other.test"] }),
    chain: [],
    name: "localhost",
    fault: { code: "ERR_TLS_CERT_ALTNAME_INVALID", text: /localhost.*other\.test/ },
  },
  "a certificate for another IP": {
    identity: authority.issue({ names: ["localhost"], ips: ["127.0.0.2"] }),
    chain: [],
    name: "127.0.0.1",
    fault: { code: "ERR_TLS_CERT_ALTNAME_INVALID", text: /127\.0\.0\.1.*127\.0\.0\.2/ },
  },
  // RFC 6125, 1.7.2: an IP is matched with IP entries alone, never with names that look like one.
  "a certificate with the IP as a name": {
    identity: authority.issue({ names: ["127.0.0.1"], subject: "127.0.0.1" }),
    chain: [],
    name: "127.0.0.1",
    fault: { code: "ERR_TLS_CERT_ALTNAME_INVALID", text: /127\.0\.0\.1/ },
  },
  "a self-signed certificate": {
    identity: selfSigned("localhost"),
    chain: [],
    name: "localhost",
    fault: { code: "DEPTH_ZERO_SELF_SIGNED_CERT", text: /self.signed certificate/ },
  },
  "a certificate of an unknown authority": {
    identity: stranger.issue(here),
    chain: [],
    name: "localhost",
    fault: { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", text: /unable to verify the first certificate/ },
  },
  "a certificate of an unknown authority that is shown too": {
    identity: stranger.issue(here),
    chain: [stranger.cert],
    name: "localhost",
    fault: { code: "SELF_SIGNED_CERT_IN_CHAIN", text: /self.signed certificate in certificate chain/ },
  },
  "a certificate of an intermediate authority that is not shown": {
    identity: issuedBelow,
    chain: [],
    name: "localhost",
    fault: { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", text: /unable to verify the first certificate/ },
  },
} satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;
export const CASE_NAMES = Object.keys(CASES) as CaseName[];
export const caseOf = (name: CaseName): Case => CASES[name];
