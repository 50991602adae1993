/**
 * Queries in the format of the package qs: `a[b]=c`, `a[0]=b`.
 *
 * Used on the calling thread.
 */

/** The URL with `query` added. A parameter of the same name is replaced in its place. */
export function withQuery(url: string, query: Record<string, unknown> | undefined): string {
  if (query === undefined) return url;
  const [front = "", fragment] = url.split(/#(.*)/s);
  const [start = "", text = ""] = front.split(/\?(.*)/s);
  const added = new Map(Object.entries(query));
  const written = [...new URLSearchParams(text)].flatMap(([name, value]): [string, string][] => {
    const root = added.has(name) ? name : name.replace(/\[.*/s, "");
    if (!Object.hasOwn(query, root)) return [[name, value]];
    const pairs = flat(root, added.get(root));
    added.delete(root); // once
    return pairs;
  });
  const pairs = [...written, ...[...added].flatMap(([name, value]) => flat(name, value))];
  const all = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return `${start}${all === "" ? "" : `?${all}`}${fragment === undefined ? "" : `#${fragment}`}`;
}

function flat(name: string, value: unknown): [string, string][] {
  if (value === undefined || typeof value === "function") return [];
  if (value === null) return [[name, ""]];
  if (value instanceof Date) return [[name, value.toISOString()]];
  if (typeof value !== "object") return [[name, String(value)]];
  return Object.entries(value).flatMap(([key, each]) => flat(`${name}[${key}]`, each));
}
