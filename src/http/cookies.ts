/**
 * Cookies: a jar of the program's choice, asked and filled synchronously.
 *
 * Runs on the calling thread.
 */

import type { ResponseHead } from "./response-head.js";

/** What is used of a jar; tough-cookie's `CookieJar` has it. */
export interface CookieJar {
  getCookieStringSync(url: string): string;
  setCookieSync(cookie: string, url: string, options?: { ignoreError?: boolean }): unknown;
}

/** Stores what a response sets. */
export function storeCookies(jar: CookieJar, head: ResponseHead, url: URL): void {
  for (const cookie of head.all("set-cookie")) jar.setCookieSync(cookie, url.href, { ignoreError: true });
}
