/**
 * The error of an HTTP request: a `NetError` that names the request and its stage.
 *
 * Used on the calling thread.
 */

import { NetError } from "../main/index.js";

/** The stage of a request. */
export type Stage = "queue" | "resolve" | "connect" | "TLS" | "proxy" | "request" | "head" | "body";

/** The request that an error concerns. */
export interface Subject {
  readonly method: string;
  readonly url: URL;
}

/** A failure of a request. `code` comes from the connection, TLS or HTTP; `cause` is the underlying error. */
export class HttpError extends NetError {
  /** The URL of the request that failed, without credentials. */
  readonly url: string;
  readonly method: string;
  /** The stage in which the request failed. */
  readonly stage: Stage;

  constructor(code: string, message: string, subject: Subject, stage: Stage, cause?: unknown) {
    const { syscall, address, port } = cause instanceof NetError ? cause : ({} as Partial<NetError>);
    const url = withoutCredentials(subject.url);
    super({ code, message: `${subject.method} ${url}: ${message}`, ...defined({ syscall, address, port }) }, cause);
    this.url = url;
    this.method = subject.method;
    this.stage = stage;
  }
}

function defined<T extends object>(record: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}

/** The text of a URL without user name and password. */
export function withoutCredentials(url: URL): string {
  if (url.username === "" && url.password === "") return url.href;
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href;
}
