import type { ServerOptions } from "./server-process.ts";

/** What a proxy's configuration is to hold. */
export const proxyKey = "edge-6f1d0a52c7be43f19a80d2e57c34";

/** The rules of the demo service as somebody writes them who guards it from outside. */
export const outsidePolicy = `
permissions: ["users:list"]
rules:
  /api.users.UserService/*: authenticated
  /api.users.UserService/GetUser: optional
  /api.users.UserService/ListAllUsers: { any_of: [staff, { require: "users:list" }], message: Staff access required }
  /api.users.UserService/DeleteUser: { superuser: true, message: Superuser access required }
  GET /reports: { require: "users:list" }
  GET /reports/:id: authenticated
  POST /notes: optional
`;

/** The program without the demo service, which is somewhere else now, and with a key for the proxy before it. */
export function outsideServer(policyFile: string, more = ""): ServerOptions {
  return {
    env: { EDGE_KEY: proxyKey },
    config: `
services: [auth.v1.AuthService, auth.v1.UserService, auth.v1.ApiKeyService, auth.v1.PolicyService, auth.v1.LogService]
auth:
  api_keys:
    static:
      - { name: edge, key: { env: EDGE_KEY }, permissions: ["auth.decisions:ask"] }
policy:
  file: ${policyFile}
proxies:
  ext_authz: true
  forward_auth: true
${more}
`,
  };
}
