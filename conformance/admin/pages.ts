/** A page of the admin UI, as the browser tests and the pictures of the documentation visit it. */
export interface AdminPage {
  readonly name: string;
  readonly path: string;
  /** A heading that is there once the page is. */
  readonly heading: string;
}

/** Every page; one of them is about this key. */
export function adminPages(keyId: string): readonly AdminPage[] {
  return [
    { name: "overview", path: "/admin/", heading: "Overview" },
    { name: "keys", path: "/admin/keys", heading: "gRPC API Keys" },
    { name: "key", path: `/admin/keys/${keyId}`, heading: "Analytics Service" },
    { name: "logs", path: "/admin/logs", heading: "gRPC Request Logs" },
    { name: "try", path: "/admin/try", heading: "Try it" },
    { name: "users", path: "/admin/users", heading: "Users" },
    { name: "user", path: "/admin/users/3", heading: "alice" },
    { name: "roles", path: "/admin/roles", heading: "Roles" },
    { name: "sessions", path: "/admin/sessions", heading: "Sessions" },
    { name: "audit", path: "/admin/audit", heading: "Audit" },
    { name: "policies", path: "/admin/policies", heading: "Policies" },
    { name: "signing-keys", path: "/admin/signing-keys", heading: "Signing keys" },
    { name: "configuration", path: "/admin/configuration", heading: "Configuration" },
  ];
}
