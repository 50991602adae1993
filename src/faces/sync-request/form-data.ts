/**
 * Forms of ringnet/sync-request: multipart/form-data of strings and bytes.
 *
 * Used on the calling thread.
 */

import { randomBytes } from "node:crypto";

export class FormData {
  readonly #parts: { name: string; value: string | Uint8Array; fileName: string | undefined }[] = [];

  /** Adds a string or bytes; with `fileName` it is a file. */
  append(name: string, value: string | Uint8Array, fileName?: string): void {
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new TypeError(`the value of ${name} must be a string or a Buffer`);
    }
    this.#parts.push({ name: String(name), value, fileName });
  }

  /** @internal The body and its content type. */
  encode(): { body: Uint8Array; type: string } {
    const boundary = `----ringnet${randomBytes(16).toString("hex")}`;
    const pieces = this.#parts.flatMap(({ name, value, fileName }) => {
      let head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
      if (fileName !== undefined) {
        head += `; filename="${escaped(fileName)}"\r\nContent-Type: application/octet-stream`;
      }
      return [Buffer.from(`${head}\r\n\r\n`), Buffer.from(value as string), Buffer.from("\r\n")];
    });
    const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
    return { body, type: `multipart/form-data; boundary=${boundary}` };
  }
}

/** Escapes a name as browsers do (HTML, "multipart form data"). */
function escaped(text: string): string {
  return text.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}
