/**
 * The events of an `XMLHttpRequest`, fired synchronously by `open` and `send`. Synchronous mode has no others.
 *
 * Runs on the calling thread.
 */

export interface XhrEvent {
  readonly type: string;
  readonly target: unknown;
  readonly loaded: number;
  readonly total: number;
  readonly lengthComputable: boolean;
}

export type XhrListener = ((event: XhrEvent) => void) | { handleEvent(event: XhrEvent): void };

type Handler = ((event: XhrEvent) => void) | null;

export class XhrEvents {
  onreadystatechange: Handler = null;
  onload: Handler = null;
  onloadend: Handler = null;
  // They never come in synchronous mode: `send` throws instead.
  onloadstart: Handler = null;
  onprogress: Handler = null;
  onabort: Handler = null;
  onerror: Handler = null;
  ontimeout: Handler = null;
  readonly #listeners = new Map<string, Map<XhrListener, boolean>>();

  /** `options.once` is honoured. */
  addEventListener(type: string, listener: XhrListener | null, options: boolean | { once?: boolean } = {}): void {
    if (listener === null) return;
    const all = this.#listeners.get(type) ?? new Map<XhrListener, boolean>();
    this.#listeners.set(type, all);
    if (!all.has(listener)) all.set(listener, typeof options === "object" && options.once === true);
  }

  removeEventListener(type: string, listener: XhrListener | null): void {
    if (listener !== null) this.#listeners.get(type)?.delete(listener);
  }

  /** @internal What a listener throws goes to the caller of `open` or `send`. */
  protected fire(type: "readystatechange" | "load" | "loadend", loaded = 0): void {
    const event: XhrEvent = { type, target: this, loaded, total: loaded, lengthComputable: loaded > 0 };
    this[`on${type}`]?.call(this, event);
    const all = this.#listeners.get(type);
    for (const [listener, once] of [...(all ?? [])]) {
      if (once) all?.delete(listener);
      if (typeof listener === "function") listener.call(this, event);
      else listener.handleEvent(event);
    }
  }
}
