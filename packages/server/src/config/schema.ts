import { z } from "zod";
import { parseDuration } from "./duration.ts";
import { formatDuration } from "./format-duration.ts";
import { issuerSchema } from "./issuer-schema.ts";
import { jwtAlgorithms } from "./jwt-algorithms.ts";
import { limitsSchema, redisSchema } from "./limit-schema.ts";
import { formatAddress, isNetwork, parseListenAddress } from "./listen-address.ts";
import { proxiesSchema } from "./proxies-schema.ts";
import { requestLogSchema } from "./request-log-schema.ts";
import { written } from "./written.ts";

/** A secret is never written into a configuration: it stands in a file or in an environment variable. */
const secret = z.union(
  [
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/) }),
  ],
  { error: "name where the secret is: { file: PATH } or { env: NAME }" },
);
export type SecretSource = z.infer<typeof secret>;

const duration = z
  .string()
  .transform((text, context) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined) return seconds;
    context.addIssue({ code: "custom", message: "a duration such as 4s, 15m, 24h or 30d" });
    return z.NEVER;
  })
  .register(written, { write: formatDuration });

const listen = z
  .string()
  .transform((text, context) => {
    const address = parseListenAddress(text);
    if (address !== undefined) return address;
    context.addIssue({ code: "custom", message: "an address such as 127.0.0.1:50051 or [::]:443" });
    return z.NEVER;
  })
  .register(written, { write: formatAddress });

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
  client_ca_file: z.string().min(1).optional().describe("PEM: the authorities of client certificates"),
  client_certificates: z
    .enum(["none", "optional", "required"])
    .default("none")
    .describe("whether clients show certificates; a bad one is refused in any case"),
  min_version: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2").describe("older ones are refused"),
});

const cors = z.strictObject({
  allowed_origins: z
    .array(
      z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
        error:
          "an origin is a scheme, a host and a port that is not the usual one, as in https://app.example",
      }),
    )
    .default([])
    .describe("pages of these origins may call from a browser: each exactly as a browser sends it"),
  credentials: z.boolean().default(false).describe("they may also send cookies and client certificates"),
});

const jwt = z.strictObject({
  algorithm: z
    .enum(jwtAlgorithms as readonly [string, ...string[]])
    .optional()
    .describe(
      "of the keys that are made, or of the one that is configured; default: RS256, with a secret HS256",
    ),
  secret: secret
    .optional()
    .describe(
      "instead of managed keys, the shared secret of HS256, HS384 or HS512: at least as long as the hash",
    ),
  private_key: secret
    .optional()
    .describe("instead of managed keys, the private key of every other algorithm in PEM"),
  kid: z.string().min(1).max(128).optional().describe("the configured key's id in the header of tokens"),
  publish_ahead: duration
    .prefault("10m")
    .describe("how long a new managed key is published before it signs; at least 2s"),
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
  hourly_usage_kept: duration.prefault("30d").describe("calls with each key by the hour; also from where"),
  daily_usage_kept: duration.prefault("800d").describe("calls with each key by the day"),
  unused_after: duration
    .prefault("90d")
    .describe("a key, or a scope of one, that was not used for so long is reported by `keys hygiene`"),
  many_addresses: z
    .int()
    .min(2)
    .max(256)
    .default(10)
    .describe("so is a key that was used from so many networks in that time"),
  pepper: secret.optional().describe("mixed into every stored digest: at least 32 bytes"),
  pepper_id: z
    .string()
    .regex(/^[\w-]{1,32}$/)
    .default("p1")
    .describe("stored beside each digest"),
  previous_peppers: z
    .array(z.strictObject({ id: z.string().regex(/^[\w-]{1,32}$/), pepper: secret }))
    .default([])
    .describe("accepted until their keys have been used: see docs/operations.md"),
  static: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe("what logs and handlers see; unique"),
        key: secret,
        permissions: z
          .array(z.string().min(1))
          .default([])
          .describe("what calls with the key may do: `orders:read`, `orders:*`"),
        is_staff: z.boolean().default(false).describe("passes as staff"),
        is_superuser: z.boolean().default(false).describe("passes as a superuser"),
      }),
    )
    .default([])
    .describe("keys of any shape, each with its permissions"),
});

const permissionList = z.array(z.string().min(1)).default([]);
const text = z.string().min(1).optional();
const clientNames = ["spiffe", "spiffe_under", "dns", "subject", "common_name"] as const;

const clientCertificate = z
  .strictObject({
    spiffe: text.describe("a SPIFFE ID, whole: the certificate's only URI"),
    spiffe_under: text.describe("every SPIFFE ID below this trust domain or folder, by whole segments"),
    dns: text.describe("a DNS name among the subject alternative names; no wildcards"),
    subject: text.describe("the whole subject as RFC 4514 writes it: `CN=alice,O=Example`"),
    common_name: text.describe("the only CN of the subject"),
    user: text.describe("the account that it stands for, by username"),
    user_id: text.describe("the account that it stands for, by id"),
    name: text.describe("a program without an account; unique"),
    permissions: permissionList.describe("what a program with a name may do"),
    is_staff: z.boolean().default(false).describe("passes as staff"),
    is_superuser: z.boolean().default(false).describe("passes as a superuser"),
  })
  .superRefine((entry, context) => {
    const issue = (message: string): void => context.addIssue({ code: "custom", message });
    if (clientNames.filter((member) => entry[member] !== undefined).length !== 1)
      issue(`a client certificate is told by one of ${clientNames.join(", ")}`);
    if ([entry.user, entry.user_id, entry.name].filter((holder) => holder !== undefined).length !== 1)
      issue("a client certificate stands for one of user, user_id, name");
    const granted = entry.permissions.length > 0 || entry.is_staff || entry.is_superuser;
    if (granted && entry.name === undefined)
      issue("permissions, is_staff and is_superuser go with name: a user has rights of its own");
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
  limits: z
    .strictObject({
      failed_logins_per_network: z
        .int()
        .min(0)
        .max(100_000)
        .default(100)
        .describe("in 15 minutes, from one IPv4 address or IPv6 /64; 0: networks are not counted"),
      shared_addresses: z
        .array(z.string().refine(isNetwork, "an address or a range, such as 10.0.0.0/8"))
        .default(["127.0.0.0/8", "::1"])
        .describe("addresses and ranges that many callers share, such as a proxy's: not counted"),
      key_validations: z
        .int()
        .min(1)
        .default(600)
        .describe("of ValidateApiKey and introspection in a minute, for each caller"),
      wrong_key_validations: z
        .int()
        .min(1)
        .default(60)
        .describe("of them those about keys and tokens that somebody made up"),
      failed_credentials_per_network: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(300)
        .describe(
          "keys and tokens that nobody issued, in a minute, from one IPv4 /24 or IPv6 /64; 0: not counted",
        ),
      failed_credentials_per_key: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(30)
        .describe("refusals of one API key in a minute, from one IPv4 /24 or IPv6 /64; 0: not counted"),
    })
    .prefault({}),
  public_methods: z.array(procedure).default([]).describe("open besides health checks"),
  jwt: jwt.prefault({}),
  api_keys: apiKeys.prefault({}),
  issuers: z
    .array(issuerSchema(secret))
    .default([])
    .describe("other issuers whose tokens are accepted: see docs/other-issuers.md"),
  client_certificates: z
    .array(clientCertificate)
    .default([])
    .describe("whom client certificates stand for, where a call has no other credential"),
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
    .describe("the folder of SQLite's database and of the secrets of `dev`, relative to the file"),
  database: z
    .strictObject({
      url: secret
        .optional()
        .describe(
          "PostgreSQL instead of SQLite: `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`",
        ),
    })
    .prefault({}),
  master_key: secret
    .optional()
    .describe("seals secrets in the database and derives refresh tokens: at least 32 bytes"),
  previous_master_keys: z
    .array(secret)
    .default([])
    .describe("open what they sealed, and accept refresh tokens of theirs: see docs/operations.md"),
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
      tls: tls.optional(),
      public_url: z
        .string()
        .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) && !/[?#]/.test(url), {
          error: "a URL such as https://auth.example.com",
        })
        .optional()
        .describe("what links to this listener begin with; default: its address"),
      behind_tls_proxy: z
        .boolean()
        .default(false)
        .describe(
          "a proxy in front speaks TLS: in production, an address that is not loopback needs this or `tls`",
        ),
      cors: cors.prefault({}),
    })
    .prefault({}),
  services: z
    .array(z.string().min(1))
    .optional()
    .describe(
      "what is served, by full name; default: accounts, keys and roles, and in development the demo service",
    ),
  auth: auth.prefault({}),
  policy: policy.prefault({}),
  proxies: proxiesSchema(duration),
  request_log: requestLogSchema(duration, procedure),
  redis: redisSchema(secret).prefault({}),
  limits: limitsSchema,
  revocations: z
    .strictObject({
      stale_after: duration
        .prefault("30s")
        .describe("how long a node that is cut off from its store goes on; 0s: not at all"),
    })
    .prefault({}),
  admin: z
    .strictObject({
      enabled: z
        .boolean()
        .optional()
        .describe("the web UI at /admin/ of the HTTP listener; default: where AuthService is served"),
      idle_timeout: duration
        .prefault("30m")
        .describe("without anybody's doing, until it asks to log in again"),
      session_lifetime: duration.prefault("12h").describe("whatever is done, until it asks to log in again"),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      listen: listen
        .optional()
        .describe(
          "an address of its own for `GET /metrics`, in plain text; default: in development on http.listen",
        ),
      token: secret
        .optional()
        .describe(
          "what has to be sent for it as `Authorization: Bearer …`; with a token it is served on http.listen in production, too",
        ),
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
