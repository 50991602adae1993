/**
 * Certificates for tests, made by the `openssl` command in a temporary folder that is removed after the test file. None is in the
 * repository, so none expires there.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folders.js";

/** A certificate and its key, in PEM form and as files. */
export interface Identity {
  cert: string;
  key: string;
  certPath: string;
  keyPath: string;
}

export interface IssueOptions {
  /** DNS names that it is for. */
  names?: string[];
  /** IPs that it is for. */
  ips?: string[];
  /** The subject's common name. */
  subject?: string;
  /** `YYYYMMDD`; yesterday's certificates are `from` a date long ago. */
  from?: string;
  until?: string;
  /** Protects the key. */
  passphrase?: string;
  /** The type of the key: `EC`, or `RSA` for peers that support no other. */
  kind?: "EC" | "RSA";
}

/** Runs openssl, which must succeed; gives what it printed. */
export function openssl(args: string[], input?: string): string {
  const done = spawnSync("openssl", args, {
    encoding: "utf8",
    timeout: 20_000,
    ...(input === undefined ? {} : { input }),
  });
  if (done.status !== 0) throw new Error(`openssl ${args.join(" ")}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

let count = 0;

/** A certificate authority: itself signed, or signed by another. */
export class Authority implements Identity {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly #folder: string;

  constructor(subject: string, parent?: Authority) {
    this.#folder = temporaryFolder();
    mkdirSync(join(this.#folder, "issued"));
    writeFileSync(join(this.#folder, "index"), "");
    writeFileSync(join(this.#folder, "serial"), `${(++count).toString(16).padStart(8, "0")}0001`);
    writeFileSync(join(this.#folder, "settings"), settings(this.#folder));
    const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
    const made = parent === undefined ? selfSigned(subject, extensions) : parent.#sign(subject, extensions, {});
    ({ cert: this.cert, key: this.key, certPath: this.certPath, keyPath: this.keyPath } = made);
  }

  /** Makes a key and a certificate for it. */
  issue(options: IssueOptions = {}): Identity {
    const { subject = options.names?.[0] ?? "somebody" } = options;
    return this.#sign(subject, endExtensions(options), options);
  }

  #sign(subject: string, extensions: string[], options: IssueOptions): Identity {
    const folder = temporaryFolder();
    const [keyPath, requestPath, certPath] = ["key.pem", "request.pem", "cert.pem"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const settingsPath = join(folder, "extensions");
    writeFileSync(settingsPath, `[wanted]\n${extensions.join("\n")}\n`);
    openssl([
      "req",
      "-new",
      ...newKey(keyPath, options),
      "-subj",
      `/O=ringnet tests/CN=${subject}`,
      "-out",
      requestPath,
    ]);
    const { from = "20200101", until = "20991231" } = options;
    const dates = ["-startdate", `${from}000000Z`, "-enddate", `${until}000000Z`];
    const signer = ["-config", join(this.#folder, "settings"), "-cert", this.certPath, "-keyfile", this.keyPath];
    const wanted = ["-extfile", settingsPath, "-extensions", "wanted"];
    openssl(["ca", "-batch", "-notext", ...signer, ...dates, ...wanted, "-in", requestPath, "-out", certPath]);
    return read(certPath, keyPath);
  }
}

/** A self-signed certificate, which is not an authority. */
export function selfSigned(subject: string, extensions = endExtensions({ names: [subject] })): Identity {
  const folder = temporaryFolder();
  const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const added = extensions.flatMap((extension) => ["-addext", extension]);
  const kind = ["-x509", "-days", "365", ...newKey(keyPath, {})];
  const settingsPath = join(folder, "settings");
  writeFileSync(settingsPath, "[req]\ndistinguished_name = name\n[name]\n"); // the system's settings would add extensions
  openssl([
    "req",
    "-config",
    settingsPath,
    ...kind,
    "-subj",
    `/O=ringnet tests/CN=${subject}`,
    ...added,
    "-out",
    certPath,
  ]);
  return read(certPath, keyPath);
}

/** Writes some texts into a new file; returns its path. */
export function fileOf(...texts: (string | Uint8Array)[]): string {
  const path = join(temporaryFolder(), "file.pem");
  writeFileSync(path, Buffer.concat(texts.map((text) => Buffer.from(text as string))));
  return path;
}

function endExtensions({ names = [], ips = [] }: IssueOptions): string[] {
  const alternatives = [...names.map((name) => `DNS:${name}`), ...ips.map((ip) => `IP:${ip}`)];
  return [
    "basicConstraints=critical,CA:FALSE",
    "extendedKeyUsage=serverAuth,clientAuth",
    ...(alternatives.length > 0 ? [`subjectAltName=${alternatives.join(",")}`] : []),
  ];
}

function newKey(path: string, { passphrase, kind = "EC" }: IssueOptions): string[] {
  const type = kind === "EC" ? ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : ["rsa:2048"];
  const secret = passphrase === undefined ? ["-nodes"] : ["-passout", `pass:${passphrase}`];
  return ["-newkey", ...type, ...secret, "-keyout", path];
}

/** The configuration of `openssl ca`, the command that can set any dates in a certificate. */
function settings(folder: string): string {
  return `[ca]
default_ca = tests
[tests]
new_certs_dir = ${folder}/issued
database = ${folder}/index
serial = ${folder}/serial
default_md = sha256
unique_subject = no
policy = anything
[anything]
organizationName = optional
commonName = supplied
`;
}

function read(certPath: string, keyPath: string): Identity {
  return { certPath, keyPath, cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}
