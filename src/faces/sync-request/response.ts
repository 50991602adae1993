/**
 * The response of ringnet/sync-request, complete.
 *
 * Used on the calling thread.
 */

export class Response {
  readonly statusCode: number;
  /** By lower-case name. */
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
  /** The URL of the last request. */
  readonly url: string;

  constructor(statusCode: number, headers: Record<string, string | string[]>, body: Buffer, url: string) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.body = body;
    this.url = url;
  }

  /** Whether the status is 400 or more. */
  isError(): boolean {
    return this.statusCode >= 400;
  }

  /**
   * The body; as a string if an encoding is given. Throws an `Error` with `statusCode`, `headers`, `body` and `url` for
   * a status of 300 or more.
   */
  getBody(): Buffer;
  getBody(encoding: BufferEncoding): string;
  getBody(encoding?: BufferEncoding): Buffer | string {
    const { statusCode, headers, body, url } = this;
    if (statusCode >= 300) {
      const message = `Server responded to ${url} with status code ${statusCode}:\n${body.toString()}`;
      throw Object.assign(new Error(message), { statusCode, headers, body, url });
    }
    return encoding === undefined ? body : body.toString(encoding);
  }
}
