import { Buffer } from "node:buffer";
import { type DerElement, derTag, inside, objectIdentifier, readDer } from "./der.ts";
import { readSubject, type Subject } from "./distinguished-name.ts";

/** What a certificate calls its holder. Read from its bytes: no text form of a list can be trusted to be split again. */
export interface CertificateNames {
  /** Subject alternative names (RFC 5280 section 4.2.1.6), as they stand there. */
  readonly uris: readonly string[];
  /** In lower case. */
  readonly dnsNames: readonly string[];
  /** Undefined where it is empty, or not exactly known as text. */
  readonly subject: Subject | undefined;
}

const subjectAltName = "2.5.29.17";
const [dnsName, uri] = [0x82, 0x86];
/** `[0] EXPLICIT Version` and `[3] EXPLICIT Extensions` of `TBSCertificate`. */
const [versionTag, extensionsTag] = [0xa0, 0xa3];

/** Reads the names out of a certificate in DER. Undefined for one that is not of the form that RFC 5280 gives it. */
export function readCertificateNames(der: Uint8Array): CertificateNames | undefined {
  const [certificate, ...trailing] = readDer(der) ?? [];
  const [signed] = inside(certificate, derTag.sequence) ?? [];
  const fields = inside(signed, derTag.sequence);
  if (fields === undefined || trailing.length > 0) return undefined;
  const versioned = fields[0]?.tag === versionTag ? 1 : 0;
  // Serial number, algorithm, issuer, validity, subject.
  const subject = fields[versioned + 4];
  const extensions = fields.find(({ tag }) => tag === extensionsTag);
  const names = extensions === undefined ? [] : alternativeNames(extensions);
  if (names === undefined || subject?.tag !== derTag.sequence) return undefined;
  const named = (wanted: number): string[] =>
    names.filter(({ tag }) => tag === wanted).map(({ content }) => Buffer.from(content).toString("latin1"));
  return {
    uris: named(uri),
    dnsNames: named(dnsName).map(foldAscii),
    subject: subject.content.length === 0 ? undefined : readSubject(subject),
  };
}

/** Host names are compared without regard to the case of ASCII, and of nothing else. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The `GeneralNames` of the one extension; empty without it, undefined where it is there twice or broken. */
function alternativeNames(extensions: DerElement): readonly DerElement[] | undefined {
  const [list] = readDer(extensions.content) ?? [];
  const found: DerElement[] = [];
  for (const extension of inside(list, derTag.sequence) ?? []) {
    const parts = inside(extension, derTag.sequence) ?? [];
    const value = parts.at(-1);
    if (objectIdentifier(parts[0]) === subjectAltName && value !== undefined) found.push(value);
  }
  const [value, ...more] = found;
  if (value === undefined) return [];
  if (value.tag !== derTag.octetString || more.length > 0) return undefined;
  const [names, ...rest] = readDer(value.content) ?? [];
  return rest.length > 0 ? undefined : inside(names, derTag.sequence);
}
