import { Buffer } from "node:buffer";
import { type DerElement, derTag, inside, objectIdentifier } from "./der.ts";

/** The keywords of RFC 4514 section 3, and two more that certificates often have. */
const attributeTypes: ReadonlyMap<string, string> = new Map([
  ["CN", "2.5.4.3"],
  ["SERIALNUMBER", "2.5.4.5"],
  ["C", "2.5.4.6"],
  ["L", "2.5.4.7"],
  ["ST", "2.5.4.8"],
  ["STREET", "2.5.4.9"],
  ["O", "2.5.4.10"],
  ["OU", "2.5.4.11"],
  ["UID", "0.9.2342.19200300.100.1.1"],
  ["DC", "0.9.2342.19200300.100.1.25"],
  ["EMAILADDRESS", "1.2.840.113549.1.9.1"],
]);

const commonName = attributeTypes.get("CN");

/** An attribute: its type with dots, and its value as text. */
type Attribute = readonly [type: string, value: string];

/** The relative names, the most specific one first; each a set, since it may have several attributes. */
type DistinguishedName = readonly (readonly Attribute[])[];

/** A subject as it is compared: two that are equal have the same key. */
export interface Subject {
  readonly key: string;
  readonly commonNames: readonly string[];
}

/**
 * Reads the string form of RFC 4514, such as `CN=alice,OU=Operations,O=Example`. Values are compared as text, exactly:
 * neither case nor spaces are folded. Undefined for what has another form; `#` followed by bytes is not supported.
 */
export function parseSubject(text: string): Subject | undefined {
  const name: Attribute[][] = [];
  let rest = text;
  let within = false;
  while (true) {
    const match = attribute.exec(rest);
    const [all = "", keyword = "", escaped = ""] = match ?? [];
    const type = /^\d/.test(keyword) ? keyword : attributeTypes.get(keyword.toUpperCase());
    const value = unescaped(escaped);
    if (type === undefined || value === undefined || value === "") return undefined;
    if (within) name.at(-1)?.push([type, value]);
    else name.push([[type, value]]);
    if (all.length === rest.length) return toSubject(name);
    within = rest[all.length] === "+";
    rest = rest.slice(all.length + 1);
  }
}

/** A value ends at a comma or plus that is not escaped. Quotes and semicolons are those of older forms. */
const attribute =
  /^\s*([A-Za-z]+|\d+(?:\.\d+)+)=((?:[^\\,+"<>;\0#\s]|\\[^\0])(?:[^\\,+"<>;\0]|\\[^\0])*)(?=[,+]|$)/u;

/** Reads the `Name` of a certificate. Undefined if any of it has no exact form as text. */
export function readSubject(element: DerElement | undefined): Subject | undefined {
  const sets = inside(element, derTag.sequence);
  if (sets === undefined) return undefined;
  const name: Attribute[][] = [];
  for (const set of sets) {
    const attributes = inside(set, derTag.set)?.map(readAttribute);
    if (attributes === undefined || attributes.length === 0) return undefined;
    const known = attributes.filter((each) => each !== undefined);
    if (known.length !== attributes.length) return undefined;
    name.unshift(known);
  }
  return toSubject(name);
}

function readAttribute(element: DerElement): Attribute | undefined {
  const [type, value, ...more] = inside(element, derTag.sequence) ?? [];
  const [identifier, text] = [objectIdentifier(type), readText(value)];
  return identifier === undefined || text === undefined || more.length > 0 ? undefined : [identifier, text];
}

function toSubject(name: DistinguishedName): Subject {
  const sorted = name.map((attributes) =>
    [...attributes].sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b))),
  );
  return {
    // JSON, because no value can look like the end of another in it.
    key: JSON.stringify(sorted),
    commonNames: name
      .flat()
      .filter(([type]) => type === commonName)
      .map(([, value]) => value),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The character strings whose text is beyond doubt. Teletex strings are not: their escapes are read differently. */
function readText(element: DerElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  const { tag, content } = element;
  switch (tag) {
    case 0x0c: // UTF8String
      return decodeUtf8(content);
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x16: // IA5String
      return content.every((byte) => byte < 0x80) ? Buffer.from(content).toString("latin1") : undefined;
    case 0x1e: {
      // BMPString
      if (content.length % 2 !== 0) return undefined;
      const text = Buffer.from(content).swap16().toString("utf16le");
      return text.isWellFormed() ? text : undefined;
    }
    default:
      return undefined;
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Section 2.4: a backslash before a special character, or before two digits that are a byte of UTF-8. */
function unescaped(escaped: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\s$/.test(escaped)) return undefined;
  const parts = escaped.match(/\\[0-9A-Fa-f]{2}|\\[\\ "#+,;<=>]|[^\\]/gu) ?? [];
  if (parts.join("") !== escaped) return undefined;
  return decodeUtf8(
    Buffer.concat(
      parts.map((part) =>
        /^\\[0-9A-Fa-f]{2}$/.test(part)
          ? Buffer.from(part.slice(1), "hex")
          : Buffer.from(part.replace("\\", "")),
      ),
    ),
  );
}
