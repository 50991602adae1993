/**
 * Refuses unknown options, and says what to write instead of the names of Node and of other packages.
 *
 * Used on the calling thread.
 */

const TLS_NAMES = [
  "ca",
  "caFile",
  "cert",
  "key",
  "passphrase",
  "pfx",
  "servername",
  "minVersion",
  "maxVersion",
  "ciphers",
  "rejectUnauthorized",
];
const IN_URL = "it is a part of the URL";
const CONNECTIONS = "createHttpClient keeps connections; tls and proxy are options";

const HINTS: Record<string, string> = {
  ...Object.fromEntries(TLS_NAMES.map((name) => [name, `write it as tls: { ${name}: … }`])),
  host: IN_URL,
  hostname: IN_URL,
  port: IN_URL,
  path: IN_URL,
  protocol: IN_URL,
  agent: CONNECTIONS,
  dispatcher: CONNECTIONS,
  follow: "use maxRedirects",
  compress: "use decompress",
  size: "use maxLength",
  auth: "use the header authorization",
};

/** Throws a `TypeError` for the first property of `options` that is not one of `names`. */
export function mustBeKnown(options: object, names: ReadonlySet<string>): void {
  for (const name of Object.keys(options)) {
    if (names.has(name)) continue;
    const advice = Object.hasOwn(HINTS, name) ? HINTS[name] : `expected one of ${[...names].join(", ")}`;
    throw new TypeError(`unknown option ${name.slice(0, 80)}; ${advice}`);
  }
}
