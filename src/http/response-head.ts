/**
 * The head of a response as received: status, reason, names and values.
 *
 * Runs on the calling thread.
 */

export class ResponseHead {
  status = 0;
  statusText = "";
  /** Names and values alternating, as the server spells them. */
  readonly raw: string[] = [];

  /** The values of a lower-case name, in their order. */
  all(key: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.raw.length; i += 2) {
      const name = this.raw[i] as string;
      if (name.length === key.length && name.toLowerCase() === key) found.push(this.raw[i + 1] as string);
    }
    return found;
  }

  /** The values of a lower-case name, joined by commas; null if there are none. */
  get(key: string): string | null {
    const found = this.all(key);
    return found.length === 0 ? null : found.join(", ");
  }

  /** The value of `Content-Length`, which llhttp has checked; null if there is none. */
  get contentLength(): number | null {
    const text = this.all("content-length")[0];
    return text === undefined ? null : Number(text);
  }

  /** How long the server keeps an idle connection, in ms, from `Keep-Alive: timeout=…`; null if unknown. */
  get keepAliveMs(): number | null {
    const seconds = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(this.get("keep-alive") ?? "")?.[1];
    // One second less, so that the request arrives before the server's timeout.
    return seconds === undefined ? null : Number(seconds) * 1000 - 1000;
  }
}
