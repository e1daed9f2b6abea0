import { z } from "zod";
import { parseDuration } from "./duration.ts";
import { formatDuration } from "./format-duration.ts";
import { written } from "./written.ts";

/** Which kinds of tokens can be taken from another issuer. */
export const issuerKinds = ["id-token", "access-token", "introspection"] as const;

/** What a published key may sign with: no shared secret. */
export const issuerAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

const cacheDuration = z
  .string()
  .transform((text, context) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined && seconds >= 1 && seconds <= 300) return seconds;
    context.addIssue({ code: "custom", message: "a duration from 1s to 5m" });
    return z.NEVER;
  })
  .register(written, { write: formatDuration });

const claimName = z.string().regex(/^[\w:./-]{1,128}$/, "the name of a claim");
const names = z.array(z.string().min(1).max(1024));

const oneOrMore = z.union([z.string().min(1), names.min(1)], { error: "a name, or a list of names" });

/** Names of authenticators that this program has anyway. */
const reserved: readonly string[] = ["jwt", "api_key", "static_api_key", "development_key", "local"];

/** Whose tokens they are, and whom they stand for. */
const whom = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, "lower-case letters, digits, _ and -, such as google")
    .refine((name) => !reserved.includes(name), "a name of our own: choose another")
    .describe("what logs and handlers see; unique"),
  kind: z.enum(issuerKinds).describe("which of its tokens"),
  issuer: z.string().min(1).describe("`iss` of its tokens: an https address"),
  also_known_as: names.default([]).describe("other spellings of `iss`; `[accounts.google.com]` for Google"),
  allow_loopback: z.boolean().default(false).describe("it is on this machine; then http will do"),
  client_id: oneOrMore.optional().describe("id-token: our name there, in `aud`; introspection: who asks"),
  audience: oneOrMore.optional().describe("access-token and introspection: our name as a resource, in `aud`"),
  provision: z
    .boolean()
    .default(false)
    .describe("make a plain user for an identity that was never linked: for anybody whom this issuer knows"),
  tenant: z
    .string()
    .min(1)
    .optional()
    .describe("the tenant whose issuer it is: its tokens stand for that tenant's users alone"),
  username_claim: claimName.default("preferred_username").describe("what a new user is named after"),
};

/** How a token is checked here, by its signature. */
const signed = {
  trusted_audiences: names.default([]).describe("id-token: who else may stand in `aud`"),
  authorized_parties: names
    .min(1)
    .optional()
    .describe("id-token: who may stand in `azp`; default: `client_id`"),
  required_claims: z
    .record(claimName, z.string())
    .default({})
    .describe("claims that have exactly this value, such as `{ hd: example.org }`"),
  algorithms: z
    .array(z.enum(issuerAlgorithms as readonly [string, ...string[]]))
    .min(1)
    .optional()
    .describe("what it signs with; default: any that a published key can be of"),
  type: z
    .enum(["at+jwt", "JWT"])
    .optional()
    .describe("access-token: the header `typ`; default: at+jwt (RFC 9068)"),
  jwks_uri: z
    .string()
    .min(1)
    .optional()
    .describe("where its keys are; default: as its discovery document says"),
};

/** One issuer whose tokens are accepted. `secret` is how a secret is named. */
export function issuerSchema<S extends z.ZodType>(secret: S) {
  const asked = {
    introspection_endpoint: z
      .string()
      .min(1)
      .optional()
      .describe("introspection: where to ask; default: as its discovery document says"),
    client_secret: secret.optional().describe("introspection: goes with `client_id`"),
    authorization: secret
      .optional()
      .describe("introspection: the whole `authorization` header, in place of client_id and client_secret"),
    prefix: z.string().max(64).default("").describe("introspection: what its opaque tokens begin with"),
    cache: cacheDuration.prefault("30s").describe("introspection: how long an answer is believed; up to 5m"),
  };
  return z.strictObject({ ...whom, ...signed, ...asked }).superRefine((issuer, context) => {
    for (const { member, text } of misplaced(issuer))
      context.addIssue({ code: "custom", path: [member], message: text });
  });
}

type Kind = (typeof issuerKinds)[number];

/** Members that go with some kinds only. */
const kindsOf: Readonly<Record<string, readonly Kind[]>> = {
  client_id: ["id-token", "introspection"],
  audience: ["access-token", "introspection"],
  trusted_audiences: ["id-token"],
  authorized_parties: ["id-token"],
  required_claims: ["id-token", "access-token"],
  algorithms: ["id-token", "access-token"],
  jwks_uri: ["id-token", "access-token"],
  type: ["access-token"],
  introspection_endpoint: ["introspection"],
  client_secret: ["introspection"],
  authorization: ["introspection"],
  prefix: ["introspection"],
};

interface Misplaced {
  readonly member: string;
  readonly text: string;
}

function misplaced(
  issuer: { readonly kind: Kind } & Readonly<Record<string, unknown>>,
): readonly Misplaced[] {
  const { kind } = issuer;
  const stray = Object.entries(kindsOf)
    .filter(([member, kinds]) => isGiven(issuer[member]) && !kinds.includes(kind))
    .map(([member, kinds]) => ({ member, text: `goes with kind ${kinds.join(" or ")}, not with ${kind}` }));
  return [...stray, ...missing(issuer)];
}

function missing(issuer: { readonly kind: Kind } & Readonly<Record<string, unknown>>): readonly Misplaced[] {
  const { kind, client_id: clientId, client_secret: clientSecret, authorization } = issuer;
  if (kind === "id-token" && clientId === undefined)
    return [{ member: "client_id", text: "is missing: our name at the issuer" }];
  if (kind !== "id-token" && issuer["audience"] === undefined)
    return [{ member: "audience", text: "is missing: our name as a resource, which stands in aud" }];
  if (kind !== "introspection") return [];
  const pair = typeof clientId === "string" && clientSecret !== undefined;
  const none = clientId === undefined && clientSecret === undefined;
  if ((pair && authorization === undefined) || (none && authorization !== undefined)) return [];
  return [{ member: "client_secret", text: "give client_id and client_secret, or authorization alone" }];
}

function isGiven(value: unknown): boolean {
  if (value === undefined || value === "") return false;
  return Array.isArray(value)
    ? value.length > 0
    : typeof value !== "object" || Object.keys(value ?? {}).length > 0;
}
