/** What a file says, or what is wrong with it and how to mend that, to be read behind the file's name. */
export type ImportText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** Reads UTF-8, with or without a byte order mark. */
export function importText(bytes: Uint8Array): ImportText {
  if (isUtf16(bytes)) return { ok: false, problem: ` is in UTF-16: ${remedy("UTF-16")}` };
  const text = decoded(bytes);
  if (text !== undefined) return { ok: true, text };
  const problem = `: line ${brokenLine(bytes)} is not text in UTF-8: ${remedy("WINDOWS-1252")}`;
  return { ok: false, problem };
}

function remedy(from: string): string {
  return `save the file as UTF-8 (iconv -f ${from} -t UTF-8)`;
}

function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** From 1. No character of UTF-8 but the line end has its byte. */
function brokenLine(bytes: Uint8Array): number {
  let begins = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(0x0a, begins);
    if (end === -1 || decoded(bytes.subarray(begins, end)) === undefined) return line;
    begins = end + 1;
  }
}
