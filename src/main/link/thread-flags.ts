/**
 * Node's flags for networking threads: only the ones that restrict the program, or decide about trust or names. Loader
 * hooks (`--import`, `--require`, `--loader`) would run in the networking thread too, and may wait for the blocked
 * thread.
 *
 * Used on the calling thread. These apply to the whole process, so they hold in the networking thread too, and Node
 * refuses them here: `--tls-cipher-list`, `--openssl-config`, `--openssl-legacy-provider`, `--secure-heap`,
 * `--use-openssl-ca`, `--use-bundled-ca`, the variable NODE_EXTRA_CA_CERTS, and on Node 22 `--use-system-ca`.
 */

/** Flags without a value. */
const SWITCHES = [
  "--permission",
  "--experimental-permission",
  "--permission-audit",
  "--allow-addons",
  "--allow-child-process",
  "--allow-inspector",
  "--allow-net",
  "--allow-wasi",
  "--allow-worker",
  "--tls-min-v1.0",
  "--tls-min-v1.1",
  "--tls-min-v1.2",
  "--tls-min-v1.3",
  "--tls-max-v1.2",
  "--tls-max-v1.3",
];
/** Flags with a value, after "=" or as the next argument. */
const SETTINGS = ["--allow-fs-read", "--allow-fs-write", "--dns-result-order", "--tls-keylog"];
/** A flag of the process up to Node 22, of each thread since. */
const SYSTEM_CA = ["--use-system-ca", "--no-use-system-ca"];

const PERMISSIONS = new Set(["--permission", "--experimental-permission"]);

/**
 * The flags for a networking thread, from NODE_OPTIONS and then from the command line; of two that contradict each
 * other the later one wins.
 */
export function threadFlags(
  nodeOptions: string | undefined = process.env.NODE_OPTIONS,
  execArgv: readonly string[] = process.execArgv,
): string[] {
  const ofThreads = Number.parseInt(process.versions.node, 10) >= 24 ? SYSTEM_CA : [];
  const switches = new Set([...SWITCHES, ...ofThreads]);
  const flags: string[] = [];
  const given = [...split(nodeOptions ?? ""), ...execArgv];
  for (let i = 0; i < given.length; i++) {
    const [name, value] = nameAndValue(given[i] as string);
    if (switches.has(name)) flags.push(given[i] as string);
    else if (SETTINGS.includes(name)) flags.push(`${name}=${value ?? given[++i] ?? ""}`);
  }
  // Node has already warned about the permissions when the program started.
  return flags.some((flag) => PERMISSIONS.has(flag)) ? [...flags, "--no-warnings"] : flags;
}

/** Node accepts `_` for `-` in the names of its flags. */
function nameAndValue(flag: string): [name: string, value: string | undefined] {
  const equals = flag.indexOf("=");
  const name = (equals < 0 ? flag : flag.slice(0, equals)).replaceAll("_", "-");
  return [name, equals < 0 ? undefined : flag.slice(equals + 1)];
}

/**
 * Splits NODE_OPTIONS as Node does: at spaces outside of double quotes, in which a backslash escapes the next
 * character.
 */
function split(options: string): string[] {
  const words = options.match(/(?:[^\s"]|"(?:\\.|[^"\\])*")+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"/g, (_, quoted: string) => quoted.replace(/\\(.)/g, "$1")),
  );
}
