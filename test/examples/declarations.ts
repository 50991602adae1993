/**
 * What the package exports, as its declaration files say.
 */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../dist/types");

export interface ClassNames {
  name: string;
  /** Names of its public members; those marked `@internal` are not. */
  members: string[];
  /** The ones without a docstring. */
  undocumented: string[];
}

export interface PublicNames {
  classes: ClassNames[];
  interfaces: ClassNames[];
  types: string[];
  functions: { name: string; documented: boolean }[];
}

function read(file: string): string {
  return readFileSync(join(FOLDER, file.replace(/^\.\//, "").replace(/\.cjs$/, ".d.cts")), "utf8");
}

/** The file that declares what `file` uses as `name`: itself, or the one from which it imports or exports it. */
function declaring(file: string, name: string): string {
  const from = new RegExp(`^(?:import|export) (?:type )?\\{[^}]*\\b${name}\\b[^}]*\\} from '(.*)';`, "m").exec(
    read(file),
  )?.[1];
  return from === undefined ? file : declaring(from, name);
}

/** Whether the text ends with a docstring, and whether that is marked `@internal`. */
function docstringBefore(text: string): { documented: boolean; internal: boolean } {
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(text)?.[1];
  return { documented: comment !== undefined, internal: comment?.includes("@internal") ?? false };
}

function membersOf(file: string, kind: "class" | "interface", name: string): ClassNames {
  const source = read(file);
  const start = source.search(new RegExp(`\\b${kind} ${name}\\b`));
  const end = source.indexOf("\n}", start);
  const body = source.slice(source.indexOf("{", start) + 1, end);
  const members = new Map<string, boolean>();
  for (const match of body.matchAll(
    /^ {4}(?:static |abstract |readonly |get |set )*(\w+|\[Symbol\.\w+\])[?!]?(?=[(:<])/gm,
  )) {
    const before = docstringBefore(body.slice(0, match.index));
    const line = body.slice(match.index, body.indexOf("\n", match.index));
    if (before.internal || match[1] === "constructor" || /^\s*(private|protected)/.test(line)) continue;
    members.set(match[1] as string, before.documented || (members.get(match[1] as string) ?? false));
  }
  const undocumented = [...members].filter(([, documented]) => !documented).map(([member]) => member);
  if (!docstringBefore(source.slice(0, source.lastIndexOf("\n", start) + 1)).documented) undocumented.unshift(name);
  // The members of `Handle` are described once; other base classes are not exported.
  const base = new RegExp(`\\bclass ${name} extends (\\w+)`).exec(source)?.[1] ?? "Handle";
  if (base !== "Handle" && base !== "Error") {
    const inherited = membersOf(declaring(file, base), "class", base);
    for (const member of inherited.members) members.set(member, true);
    undocumented.push(...inherited.undocumented);
  }
  return { name, members: [...members.keys()].filter((member) => !member.startsWith("[")), undocumented };
}

/** Everything that the package root exports, except the facade `net`. */
export function publicNames(): PublicNames {
  const names: PublicNames = { classes: [], interfaces: [], types: [], functions: [] };
  for (const [, list] of read("./index.cjs").matchAll(/^export (?:type )?\{ (.*) \}(?: from '.*')?;$/gm)) {
    for (const name of (list as string).split(", ")) {
      if (name === "net") continue;
      const from = declaring("./index.cjs", name);
      const source = read(from);
      const found = new RegExp(
        `^(?:declare )?(?:abstract )?(class|interface|type|function|const) ${name}\\b`,
        "m",
      ).exec(source);
      const kind = found?.[1];
      if (kind === "class") names.classes.push(membersOf(from, "class", name));
      else if (kind === "interface") names.interfaces.push(membersOf(from, "interface", name));
      if (kind === "interface" || kind === "type") names.types.push(name);
      if (kind === "function" || kind === "const") {
        names.functions.push({ name, documented: docstringBefore(source.slice(0, found?.index)).documented });
      }
      if (kind === undefined) throw new Error(`${name} is exported, but ${from} does not declare it`);
    }
  }
  return names;
}
