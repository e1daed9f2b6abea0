import { z } from "zod";
import { parseDuration } from "./duration.ts";
import { parseListenAddress } from "./listen-address.ts";

/** A secret is never written into a configuration: it stands in a file or in an environment variable. */
const secret = z.union(
  [
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/) }),
  ],
  { error: "name where the secret is: { file: PATH } or { env: NAME }" },
);
export type SecretSource = z.infer<typeof secret>;

const duration = z.string().transform((text, context) => {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  context.addIssue({ code: "custom", message: "a duration such as 4s, 15m, 24h or 30d" });
  return z.NEVER;
});

const listen = z.string().transform((text, context) => {
  const address = parseListenAddress(text);
  if (address !== undefined) return address;
  context.addIssue({ code: "custom", message: "an address such as 127.0.0.1:50051 or [::]:443" });
  return z.NEVER;
});

const procedure = z
  .string()
  .regex(/^\/[\w.]+\/\w+$/, "a full method name such as /grpc.health.v1.Health/Check");
const headerName = z
  .string()
  .regex(/^[a-z0-9-]+$/, "a header name in lower case")
  .refine((name) => !name.endsWith("-bin"));

const tls = z.strictObject({
  certificate_file: z.string().min(1).describe("PEM: the certificate, then its chain"),
  key_file: z.string().min(1).describe("PEM: the private key"),
});

export const jwtAlgorithms = [
  ...["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

const jwt = z.strictObject({
  algorithm: z.enum(jwtAlgorithms as readonly [string, ...string[]]).default("HS256"),
  secret: secret
    .optional()
    .describe("the shared secret of HS256, HS384 or HS512: at least as long as the hash"),
  private_key: secret.optional().describe("PEM: the private key of every other algorithm"),
  kid: z.string().min(1).max(128).optional().describe("the key's id in the header of tokens"),
  issuer: z.string().min(1).optional().describe("written to iss, and required there"),
  audience: z.string().min(1).optional().describe("written to aud, and required there"),
  access_lifetime: duration.prefault("15m").describe("of an access token"),
  leeway: duration.prefault("5s").describe("how far clocks may be apart; at most 60s"),
  header: headerName.default("authorization").describe("where tokens are read"),
  scheme: z
    .string()
    .regex(/^[A-Za-z]*$/)
    .default("Bearer")
    .describe("before the token; empty for the bare token"),
});

const apiKeys = z.strictObject({
  header: headerName.default("x-api-key").describe("a renamed header replaces the old one"),
  scheme: z
    .string()
    .regex(/^[A-Za-z]*$/)
    .default("")
    .describe("before the key; empty for none"),
  prefix: z
    .string()
    .regex(/^[a-z0-9]{2,16}$/)
    .default("cs")
    .describe("what every key begins with"),
  environment: z
    .string()
    .regex(/^[a-z0-9]{2,16}$/)
    .default("live")
    .describe("stands in every new key; `dev` in development"),
  pepper: secret.optional().describe("mixed into every stored digest: at least 32 bytes"),
  pepper_id: z
    .string()
    .regex(/^[\w-]{1,32}$/)
    .default("p1")
    .describe("stored beside each digest"),
  static: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe("what logs and handlers see; unique"),
        key: secret,
        permissions: z.array(z.string().min(1)).default([]).describe("what calls with the key may do"),
        is_staff: z.boolean().default(false).describe("passes as staff"),
        is_superuser: z.boolean().default(false).describe("passes as a superuser"),
      }),
    )
    .default([])
    .describe("keys of any shape, each with its permissions"),
});

const auth = z.strictObject({
  mode: z.enum(["required", "optional", "disabled"]).optional().describe("the rule of an RPC that has none"),
  acknowledge_insecure: z.boolean().default(false).describe("needed for mode: disabled in production"),
  sessions: z
    .strictObject({
      refresh_lifetime: duration.prefault("1d").describe("of a refresh token that is not used"),
      maximum_lifetime: duration.prefault("90d").describe("of a session, however often it is renewed"),
    })
    .prefault({}),
  public_methods: z.array(procedure).default([]).describe("open besides health checks"),
  jwt: jwt.prefault({}),
  api_keys: apiKeys.prefault({}),
  development_key: secret.optional().describe("acts as the first active superuser; never in production"),
});

const policy = z.strictObject({
  file: z
    .string()
    .min(1)
    .optional()
    .describe("YAML: the rules of RPCs that have none in their protos, here and behind a proxy"),
  descriptors: z
    .string()
    .min(1)
    .optional()
    .describe("what `buf build -o FILE.binpb` makes of the services behind a proxy"),
  permissions: z
    .array(z.string().regex(/^\S{1,128}$/))
    .default([])
    .describe("permissions that exist, besides those that protos and the policy file declare"),
  undeclared_permissions: z
    .boolean()
    .default(false)
    .describe("let rules ask for permissions that nobody has declared"),
  shadow: z
    .string()
    .min(1)
    .optional()
    .describe("YAML: a candidate for some of the rules, asked about every call; it changes nothing"),
});

/** The configuration file. Every member has a default; no other member is allowed. */
export const configSchema = z.strictObject({
  environment: z
    .enum(["production", "development"])
    .default("production")
    .describe("what `serve` runs as; `dev` is always development"),
  data: z
    .string()
    .min(1)
    .default("./.countersign")
    .describe("the folder of the database, relative to the file"),
  master_key: secret
    .optional()
    .describe("seals secrets in the database and derives refresh tokens: at least 32 bytes"),
  grpc: z
    .strictObject({
      listen: listen
        .prefault("127.0.0.1:50051")
        .describe("`HOST:PORT`, `[IPv6]:PORT`; port 0 for any free one"),
      tls: tls.optional(),
      reflection: z.boolean().optional().describe("default: on in development, off in production"),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listen.prefault("127.0.0.1:8000").describe("as `grpc.listen`"),
      behind_tls_proxy: z
        .boolean()
        .default(false)
        .describe("a proxy in front speaks TLS: needed in production for an address that is not loopback"),
    })
    .prefault({}),
  services: z
    .array(z.string().min(1))
    .optional()
    .describe(
      "what is served, by full name; default: accounts and keys, and in development the demo service",
    ),
  auth: auth.prefault({}),
  policy: policy.prefault({}),
  revocations: z
    .strictObject({
      stale_after: duration
        .prefault("30s")
        .describe("how long a node that is cut off from its store goes on; 0s: not at all"),
    })
    .prefault({}),
  shutdown_grace: duration.prefault("10s").describe("how long open calls may take to end"),
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error", "silent"])
        .optional()
        .describe("JSON lines on standard error; default: info, in development warn"),
    })
    .prefault({}),
});

/** The configuration as it was written, with defaults filled in. */
export type ConfigFile = z.infer<typeof configSchema>;
