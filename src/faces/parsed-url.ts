/**
 * Parses URLs, as src/http does.
 *
 * Runs on the calling thread.
 */

/**
 * Null if it is not a URL. (In functions that run often, `URL.canParse` of Node 20 and 22 returns false for host names with letters
 * such as ü.)
 */
export function parsedUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
