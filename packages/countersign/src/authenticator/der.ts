/** One element of DER (ITU-T X.690): its tag, and the bytes of its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The tags that certificates are made of. */
export const derTag = Object.freeze({
  objectIdentifier: 0x06,
  octetString: 0x04,
  sequence: 0x30,
  set: 0x31,
});

/** The elements that stand one after another in these bytes. Undefined if they are not DER to the last byte. */
export function readDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    const length = readLength(bytes, at + 1);
    // Tags of more than one byte are in no part of a certificate that is read here.
    if (length === undefined || (tag & 0x1f) === 0x1f) return undefined;
    const end = length.contentAt + length.value;
    if (end > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(length.contentAt, end) });
    at = end;
  }
  return elements;
}

/** The elements inside of one that must have this tag. */
export function inside(element: DerElement | undefined, tag: number): readonly DerElement[] | undefined {
  return element?.tag === tag ? readDer(element.content) : undefined;
}

/** An object identifier with dots. Undefined for one that is none, or with a number that is not exact here. */
export function objectIdentifier(element: DerElement | undefined): string | undefined {
  if (element?.tag !== derTag.objectIdentifier || element.content.length === 0) return undefined;
  const numbers: number[] = [];
  let value = 0;
  let open = false;
  for (const byte of element.content) {
    // No number begins with a zero (section 8.19.2).
    if (!open && byte === 0x80) return undefined;
    value = value * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(value)) return undefined;
    open = byte >= 0x80;
    if (open) continue;
    numbers.push(value);
    value = 0;
  }
  if (open) return undefined;
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join(".");
}

/** Definite lengths in their shortest form, as DER has them; at most four bytes. */
function readLength(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly contentAt: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, contentAt: at + 1 };
  const count = first - 0x80;
  if (count < 1 || count > 4 || at + count >= bytes.length) return undefined;
  let value = 0;
  for (let index = 1; index <= count; index++) value = value * 256 + (bytes[at + index] ?? 0);
  return value < 0x80 || value < 256 ** (count - 1) ? undefined : { value, contentAt: at + 1 + count };
}
