import { noClaims, type Principal } from "../core/principal.ts";
import { permissionSet } from "./account.ts";
import { type CertificateNames, foldAscii } from "./certificate-names.ts";
import { parseSubject } from "./distinguished-name.ts";
import { isSpiffeId, spiffeParents } from "./spiffe-id.ts";

/** Which certificates are meant: by one name, compared as a whole. There are no wildcards. */
export type CertificateName =
  /** A SPIFFE ID, `spiffe://example.org/billing`: the certificate's only URI. */
  | { readonly spiffe: string }
  /** Every SPIFFE ID below a trust domain or folder, by whole segments. An entry for the very ID wins, and then the longest. */
  | { readonly spiffeUnder: string }
  /** A DNS name among the subject alternative names; the case of ASCII does not matter. */
  | { readonly dns: string }
  /** The whole subject in the form of RFC 4514: `CN=alice,O=Example`. Case and spaces matter. */
  | { readonly subject: string }
  /** The only common name of the subject. Weaker than `subject`: whoever signs certificates must see to it. */
  | { readonly commonName: string };

/** A program without an account: what it may do stands here. */
export interface CertificateService {
  /** Unique. The principal's `userId` is `certificate:NAME`. */
  readonly name: string;
  readonly permissions?: readonly string[];
  readonly roles?: readonly string[];
  readonly isStaff?: boolean;
  readonly isSuperuser?: boolean;
}

/** Whom it stands for. */
export type CertificateHolder =
  | { readonly userId: string }
  | { readonly username: string }
  | { readonly service: CertificateService };

export type CertificateEntry = CertificateName & CertificateHolder;

/** What a certificate was found to be. */
export interface CertificateMatch {
  /** The name in the certificate by which it was recognised. */
  readonly identity: string;
  readonly holder: CertificateHolder;
}

/** Why a certificate with readable names has no holder. */
export type NoMatch = "nobody" | "several" | "broken-svid";

/** Certificates by their names: look-ups, no patterns. */
export interface CertificateMap {
  /** `isAuthority`: the certificate may sign others, which no SPIFFE ID's certificate may. */
  find(names: CertificateNames, certificate: { readonly isAuthority: boolean }): CertificateMatch | NoMatch;
}

type Kind = "spiffe" | "spiffeUnder" | "dns" | "subject" | "commonName";

/** How each kind of name is written down for comparison; undefined for one that is none. */
const normalised: Readonly<Record<Kind, (text: string) => string | undefined>> = {
  spiffe: (text) => (isSpiffeId(text, { path: "required" }) ? text : undefined),
  spiffeUnder: (text) => (isSpiffeId(text, { path: "optional" }) ? text : undefined),
  dns: (text) => (hostName.test(text) && text.length <= 253 ? foldAscii(text) : undefined),
  subject: (text) => parseSubject(text)?.key,
  commonName: (text) => (text === "" ? undefined : text),
};

const hostName = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;
const kinds = Object.keys(normalised) as readonly Kind[];

/** Compiles the entries. A TypeError for one that makes no sense, and for two about one name. */
export function createCertificateMap(entries: readonly CertificateEntry[]): CertificateMap {
  const tables = Object.fromEntries(kinds.map((kind) => [kind, new Map()])) as Record<Kind, Table>;
  const services = new Set<string>();
  for (const entry of entries) {
    const { kind, text } = nameOf(entry);
    const key = normalised[kind](text);
    if (key === undefined) throw new TypeError(`"${text}" is no ${kind} of a client certificate`);
    if (tables[kind].has(key)) throw new TypeError(`two client certificates with the ${kind} "${text}"`);
    const holder = holderOf(entry, text);
    if ("service" in holder && services.size === services.add(holder.service.name).size)
      throw new TypeError(`two client certificates named "${holder.service.name}"`);
    tables[kind].set(key, { identity: text, holder });
  }
  return Object.freeze({
    find: (names: CertificateNames, certificate: { readonly isAuthority: boolean }) =>
      find(tables, names, certificate),
  });
}

type Table = Map<string, CertificateMatch>;

function find(
  tables: Readonly<Record<Kind, Table>>,
  { uris, dnsNames, subject }: CertificateNames,
  { isAuthority }: { readonly isAuthority: boolean },
): CertificateMatch | NoMatch {
  const [id = ""] = uris;
  const svid = uris.some((uri) => foldAscii(uri.slice(0, 7)) === "spiffe:");
  // X509-SVID section 2: exactly one URI; section 4.1: none that may sign.
  if (svid && (uris.length > 1 || isAuthority || !isSpiffeId(id, { path: "required" }))) return "broken-svid";
  const [commonName = "", ...more] = subject?.commonNames ?? [];
  const exact = [
    svid ? tables.spiffe.get(id) : undefined,
    ...dnsNames.map((name) => tables.dns.get(name)),
    subject === undefined ? undefined : tables.subject.get(subject.key),
    more.length === 0 ? tables.commonName.get(commonName) : undefined,
  ].filter((match) => match !== undefined);
  const [first] = exact;
  // Which of two holders is meant, nobody can say.
  if (new Set(exact.map(({ holder }) => holderKey(holder))).size > 1) return "several";
  if (first !== undefined) return first;
  const under = svid ? spiffeParents(id).find((parent) => tables.spiffeUnder.has(parent)) : undefined;
  const wide = under === undefined ? undefined : tables.spiffeUnder.get(under);
  return wide === undefined ? "nobody" : { identity: id, holder: wide.holder };
}

function nameOf(entry: CertificateEntry): { readonly kind: Kind; readonly text: string } {
  const named = kinds.filter((kind) => kind in entry);
  const [kind, ...more] = named;
  const text: unknown = kind === undefined ? undefined : (entry as Readonly<Record<string, unknown>>)[kind];
  if (kind === undefined || more.length > 0 || typeof text !== "string")
    throw new TypeError(`a client certificate is named by one of ${kinds.join(", ")}`);
  return { kind, text };
}

const holders = ["userId", "username", "service"] as const;

function holderOf(entry: CertificateEntry, text: string): CertificateHolder {
  const [kind, ...more] = holders.filter((holder) => holder in entry);
  const value = kind === undefined ? undefined : (entry as Readonly<Record<string, unknown>>)[kind];
  const name = kind === "service" ? (value as Partial<CertificateService> | undefined)?.name : value;
  if (kind === undefined || more.length > 0 || typeof name !== "string" || name === "")
    throw new TypeError(`the client certificate "${text}" stands for one of ${holders.join(", ")}`);
  return Object.freeze({ [kind]: value }) as unknown as CertificateHolder;
}

function holderKey(holder: CertificateHolder): string {
  if ("service" in holder) return `service ${holder.service.name}`;
  return "userId" in holder ? `id ${holder.userId}` : `name ${holder.username}`;
}

/** A program without an account. */
export function principalOfService(
  service: CertificateService,
  authenticator: string,
  identity: string,
): Principal {
  return Object.freeze({
    // Not a user's id, whatever the program is called.
    userId: `certificate:${service.name}`,
    username: undefined,
    email: undefined,
    isStaff: service.isStaff ?? false,
    isSuperuser: service.isSuperuser ?? false,
    roles: Object.freeze([...(service.roles ?? [])]),
    permissions: permissionSet(service.permissions ?? []),
    authenticator,
    claims: noClaims,
    apiKey: undefined,
    clientId: identity,
  });
}
