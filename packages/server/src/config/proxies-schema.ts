import { z } from "zod";

const method = z
  .string()
  .regex(
    /^(\/[\w.]+\/(\w+|\*)|[A-Z]+ \/\S*)$/,
    "a method such as /acme.Orders/Get, /acme.Orders/* or GET /reports/:id",
  );

const headerName = z
  .string()
  .regex(/^[a-z0-9-]+$/, "a header name in lower case")
  .refine((name) => !name.endsWith("-bin"), "a header that is not binary");

const upstream = z.strictObject({
  methods: z
    .array(method)
    .min(1)
    .optional()
    .describe(
      "what it serves: `/acme.Orders/*`, `/acme.Orders/Get`, `GET /reports/:id`; default: what no other serves",
    ),
});

/** Names that services are known to believe, about who calls or about what is called, and that no client may set. */
export const spoofed: readonly string[] = [
  ...["x-user", "x-user-id", "x-username", "x-user-email", "x-user-roles", "x-user-permissions"],
  ...["x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username"],
  ...["x-auth-request-user", "x-auth-request-email", "x-auth-request-groups", "x-authenticated-user"],
  ...["x-authenticated-userid", "x-remote-user", "remote-user", "x-webauth-user", "user_id", "permissions"],
  ...["x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override"],
];

/** The member `proxies`, given what a duration is. */
export function proxiesSchema(duration: z.ZodType<number, string>) {
  return z
    .strictObject({
      ext_authz: z
        .boolean()
        .default(false)
        .describe("Envoy may ask: envoy.service.auth.v3.Authorization on the gRPC listener"),
      forward_auth: z
        .boolean()
        .default(false)
        .describe("nginx, Traefik and Caddy may ask: /forward-auth on the HTTP listener"),
      client_ca_file: z
        .string()
        .min(1)
        .optional()
        .describe(
          "PEM: the authorities of client certificates that Envoy forwards (`include_peer_certificate`); default: what it forwards is not looked at",
        ),
      upstreams: z
        .record(z.string().regex(/^[A-Za-z0-9][\w.:/-]{0,127}$/, "a name such as orders, or a URL"), upstream)
        .default({})
        .describe(
          "the services behind proxies, by the `aud` of the identity tokens that they get; default: no tokens",
        ),
      identity_header: headerName
        .default("x-countersign-identity")
        .describe("where a service finds the identity token"),
      identity_lifetime: duration.prefault("30s").describe("of an identity token; at most 60s"),
      remove_headers: z
        .array(z.string().regex(/^[a-z0-9_-]+$/, "a header name in lower case"))
        .default([...spoofed])
        .describe("what Envoy takes away from a request besides credentials and the identity header"),
    })
    .prefault({});
}

export type ProxiesFile = z.infer<ReturnType<typeof proxiesSchema>>;
