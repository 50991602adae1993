/**
 * The headers of a request: checked names and values, in the given order.
 *
 * Node's global `Headers` would do, but takes 15 ms to load; it is only used if a program asks for it.
 *
 * Runs on the calling thread.
 */

/** Headers as an object, pairs, or a `Headers` object. */
export type HeadersInput = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN = /[\0\r\n\u0100-\uffff]/;

/** Throws a `TypeError` unless `name` is a token, as methods and names of headers must be. */
export function mustBeToken(what: string, name: unknown): string {
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new TypeError(`${what} must be a token of HTTP (letters, digits and !#$%&'*+-.^_\`|~), not ${shown(name)}`);
  }
  return name;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : typeof value;
}

/** Removes spaces and tabs at both ends. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

export class HeaderList {
  readonly #names: string[] = [];
  readonly #keys: string[] = [];
  readonly #values: string[] = [];

  constructor(input?: HeadersInput) {
    if (input === undefined) return;
    if (typeof input !== "object" || input === null)
      throw new TypeError(`headers must be an object, not ${shown(input)}`);
    if (Symbol.iterator in input) {
      for (const pair of input) {
        if (!Array.isArray(pair) || pair.length !== 2)
          throw new TypeError("headers must be pairs of a name and a value");
        this.append(pair[0], pair[1]);
      }
      return;
    }
    for (const [name, value] of Object.entries(input)) {
      if (value === undefined) continue;
      if (Array.isArray(value)) for (const each of value) this.append(name, each);
      else this.append(name, value as string);
    }
  }

  /** All values of a lower-case name, joined by commas; null if there are none. */
  get(key: string): string | null {
    let found: string | null = null;
    for (let i = 0; i < this.#keys.length; i++) {
      if (this.#keys[i] === key) found = found === null ? (this.#values[i] as string) : `${found}, ${this.#values[i]}`;
    }
    return found;
  }

  has(key: string): boolean {
    return this.#keys.includes(key);
  }

  /** How often a lower-case name occurs. */
  count(key: string): number {
    return this.#keys.filter((each) => each === key).length;
  }

  /** Throws a `TypeError` for names and values that can't be sent. */
  append(name: string, value: string): void {
    mustBeToken("the name of a header", name);
    const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    if (typeof text !== "string")
      throw new TypeError(`the value of header ${name} must be a string, not ${shown(value)}`);
    if (FORBIDDEN.test(text)) {
      throw new TypeError(`the value of header ${name} must not contain CR, LF, NUL or characters beyond Latin-1`);
    }
    this.#names.push(name);
    this.#keys.push(name.toLowerCase());
    this.#values.push(trimmed(text));
  }

  /** Adds a header of the package, which needs no checks, unless the program has given one. */
  setDefault(key: string, value: string): void {
    if (this.has(key)) return;
    this.#names.push(key);
    this.#keys.push(key);
    this.#values.push(value);
  }

  set(key: string, value: string): void {
    this.delete(key);
    this.append(key, value);
  }

  delete(key: string): void {
    for (let i = this.#keys.length - 1; i >= 0; i--) {
      if (this.#keys[i] !== key) continue;
      this.#names.splice(i, 1);
      this.#keys.splice(i, 1);
      this.#values.splice(i, 1);
    }
  }

  copy(): HeaderList {
    const list = new HeaderList();
    list.#names.push(...this.#names);
    list.#keys.push(...this.#keys);
    list.#values.push(...this.#values);
    return list;
  }

  /** The header lines as they are sent, each with CRLF. */
  toString(): string {
    let text = "";
    for (let i = 0; i < this.#names.length; i++) text += `${this.#names[i]}: ${this.#values[i]}\r\n`;
    return text;
  }
}
