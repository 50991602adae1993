/**
 * Parses the body of a response as a form: multipart/form-data (RFC 7578) or URL-encoded.
 *
 * Runs on the calling thread.
 */

/** The form in `bytes`. Throws a `TypeError` if they are not a form of this type. */
export function parseForm(bytes: Buffer, contentType: string): FormData {
  const form = new FormData();
  const [type = ""] = contentType.split(";", 1);
  switch (type.trim().toLowerCase()) {
    case "application/x-www-form-urlencoded":
      for (const [name, value] of new URLSearchParams(bytes.toString("utf8"))) form.append(name, value);
      return form;
    case "multipart/form-data": {
      const boundary = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
      if (boundary === null) throw new TypeError("the form's type names no boundary");
      parseParts(bytes, (boundary[1] ?? boundary[2]) as string, form);
      return form;
    }
    default:
      throw new TypeError(`the body is not a form: its type is ${JSON.stringify(contentType.slice(0, 100))}`);
  }
}

function parseParts(bytes: Buffer, boundary: string, form: FormData): void {
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  let at = bytes.indexOf(delimiter.subarray(2));
  if (at < 0) throw new TypeError("the form has no boundary");
  at += delimiter.length - 2;
  for (;;) {
    if (bytes.toString("latin1", at, at + 2) === "--") return;
    at = lineEnd(bytes, at);
    const headEnd = bytes.toString("latin1", at, at + 2) === "\r\n" ? at : bytes.indexOf("\r\n\r\n", at) + 2;
    const end = bytes.indexOf(delimiter, headEnd);
    if (headEnd < at || end < 0) throw new TypeError("the form ends within a part");
    append(form, bytes.toString("utf8", at, headEnd), bytes.subarray(headEnd + 2, end));
    at = end + delimiter.length;
  }
}

/** After a boundary there may be blanks, then CRLF. */
function lineEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end] === 32 || bytes[end] === 9) end++;
  if (bytes[end] !== 13 || bytes[end + 1] !== 10) throw new TypeError("the form has a boundary without a line end");
  return end + 2;
}

function append(form: FormData, head: string, content: Buffer): void {
  const disposition = /^content-disposition:\s*form-data(;.*)$/im.exec(head)?.[1];
  const name = disposition && /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (disposition == null || name == null) throw new TypeError("a part of the form has no name");
  const fileName = /;\s*filename="([^"]*)"/i.exec(disposition)?.[1];
  if (fileName === undefined) {
    form.append(unescaped(name), new TextDecoder().decode(content));
    return;
  }
  const type = /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? "text/plain";
  // File is not a global in all releases of Node 20; FormData makes a File of a Blob.
  form.append(unescaped(name), new Blob([new Uint8Array(content)], { type }), unescaped(fileName));
}

function unescaped(name: string): string {
  return name.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"');
}
