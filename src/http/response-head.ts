/**
 * The head of a response as it came: status, reason, names and values.
 *
 * Runs on the calling thread.
 */

export class ResponseHead {
  status = 0;
  statusText = "";
  /** Names and values in turn, in the server's own spelling. */
  readonly raw: string[] = [];

  /** The values of a name in lower case, in their order. */
  all(key: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.raw.length; i += 2) {
      const name = this.raw[i] as string;
      if (name.length === key.length && name.toLowerCase() === key) found.push(this.raw[i + 1] as string);
    }
    return found;
  }

  /** Its values joined by commas, null if there are none. */
  get(key: string): string | null {
    const found = this.all(key);
    return found.length === 0 ? null : found.join(", ");
  }

  /** What `Content-Length` says; llhttp has checked it. Null if it is not there. */
  get contentLength(): number | null {
    const text = this.all("content-length")[0];
    return text === undefined ? null : Number(text);
  }

  /** For how many ms the server keeps an idle connection, by `Keep-Alive: timeout=…`; null if it does not say. */
  get keepAliveMs(): number | null {
    const seconds = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(this.get("keep-alive") ?? "")?.[1];
    // Less a second, so that the request comes before the server's own clock says no.
    return seconds === undefined ? null : Number(seconds) * 1000 - 1000;
  }
}
