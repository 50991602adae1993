/** The links of all pages: each leads to a file of the repository and, where it names one, to a heading in it. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);

const PAGES = ["", "docs/", "test/", "bench/"].flatMap((folder) =>
  readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith(".md"))
    .map((name) => folder + name),
);

/** The anchors of a page's headings, as GitHub makes them: a heading that occurs again gets a number. */
function anchorsOf(page: URL): string[] {
  const seen = new Map<string, number>();
  return [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const anchor = (heading as string)
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

test.each(PAGES)("every link of %s has a target", (path) => {
  const page = new URL(path, ROOT);
  const text = readFileSync(page, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  const links = [...text.matchAll(/\]\(([^)\s]*)\)/g)].map(([, link]) => link as string);
  const broken = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const target = new URL(link, page);
    const anchor = decodeURIComponent(target.hash.slice(1));
    target.hash = "";
    return !existsSync(target) || (anchor !== "" && !anchorsOf(target).includes(anchor));
  });
  expect(broken).toEqual([]);
});
