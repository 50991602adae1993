/**
 * The flags of Node that a networking thread gets: the ones that restrict the program, or decide about trust or names. Nothing else:
 * loader hooks (`--import`, `--require`, `--loader`) would run in the networking thread too, and may wait for the thread that blocks.
 *
 * Used on the calling thread. What holds for the whole process reaches the networking thread by itself, and Node refuses it here:
 * `--tls-cipher-list`, `--openssl-config`, `--openssl-legacy-provider`, `--secure-heap`, `--use-openssl-ca`, `--use-bundled-ca`, the
 * variable NODE_EXTRA_CA_CERTS, and on Node 22 `--use-system-ca`.
 */

/** Flags that stand alone. */
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
/** Flags with a value, behind "=" or as the next argument. */
const SETTINGS = ["--allow-fs-read", "--allow-fs-write", "--dns-result-order", "--tls-keylog"];
/** A flag of the process up to Node 22, of each thread since. */
const SYSTEM_CA = ["--use-system-ca", "--no-use-system-ca"];

const PERMISSIONS = new Set(["--permission", "--experimental-permission"]);

/** The flags for a networking thread, of NODE_OPTIONS and of the command line: of two that contradict each other the later one counts. */
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
  // Node has warned of the permissions already when the program began.
  return flags.some((flag) => PERMISSIONS.has(flag)) ? [...flags, "--no-warnings"] : flags;
}

/** Node takes `_` for `-` in the names of its flags. */
function nameAndValue(flag: string): [name: string, value: string | undefined] {
  const equals = flag.indexOf("=");
  const name = (equals < 0 ? flag : flag.slice(0, equals)).replaceAll("_", "-");
  return [name, equals < 0 ? undefined : flag.slice(equals + 1)];
}

/** NODE_OPTIONS as Node splits it: at spaces, but for those in double quotes, in which a backslash takes the next character as it is. */
function split(options: string): string[] {
  const words = options.match(/(?:[^\s"]|"(?:\\.|[^"\\])*")+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"/g, (_, quoted: string) => quoted.replace(/\\(.)/g, "$1")),
  );
}
