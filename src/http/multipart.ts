/**
 * multipart/form-data (RFC 7578), written as the HTML Standard encodes it.
 *
 * Runs on the calling thread.
 */

import { BlobBytes } from "./blob-bytes.js";

/** A form as a body, and its type with the boundary. */
export function encodeMultipart(form: FormData): { source: Uint8Array | BlobBytes; type: string } {
  const boundary = `----ringnet-${crypto.randomUUID()}`;
  const parts: (Uint8Array | Blob)[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(lineEnds(name))}"`;
    if (typeof value === "string") {
      parts.push(Buffer.from(`${head}\r\n\r\n${lineEnds(value)}\r\n`));
    } else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      parts.push(Buffer.from(`${head}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
      parts.push(value, Buffer.from("\r\n"));
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  const texts = parts.filter((part) => part instanceof Uint8Array);
  const source = texts.length === parts.length ? Buffer.concat(texts) : new BlobBytes(parts);
  return { source, type: `multipart/form-data; boundary=${boundary}` };
}

function lineEnds(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

function escapeName(name: string): string {
  return name.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22");
}
