/**
 * Cookies: reads and fills the program's jar synchronously.
 *
 * Runs on the calling thread.
 */

import type { ResponseHead } from "./response-head.js";

/** The part of a jar that is used; tough-cookie's `CookieJar` has it. */
export interface CookieJar {
  getCookieStringSync(url: string): string;
  setCookieSync(cookie: string, url: string, options?: { ignoreError?: boolean }): unknown;
}

/** Stores a response's cookies. */
export function storeCookies(jar: CookieJar, head: ResponseHead, url: URL): void {
  for (const cookie of head.all("set-cookie")) jar.setCookieSync(cookie, url.href, { ignoreError: true });
}
