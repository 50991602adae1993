/**
 * The two families of IP, and the addresses that tests of both need.
 */

export const families = [
  { family: "IPv4", loopback: "127.0.0.1", any: "0.0.0.0", foreign: "192.0.2.1", other: "::1" },
  { family: "IPv6", loopback: "::1", any: "::", foreign: "2001:db8::1", other: "127.0.0.1" },
] as const;

// The foreign addresses are reserved for documentation (RFC 5737, RFC 3849): no machine has them.
