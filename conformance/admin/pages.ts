/** Every page of the admin UI, as the browser tests and the pictures of the documentation visit them. */
export interface AdminPage {
  readonly name: string;
  readonly path: string;
  /** A heading that is there once the page is. */
  readonly heading: string;
}

export const adminPages: readonly AdminPage[] = [
  { name: "users", path: "/admin/users", heading: "Users" },
  { name: "user", path: "/admin/users/3", heading: "alice" },
  { name: "roles", path: "/admin/roles", heading: "Roles" },
  { name: "sessions", path: "/admin/sessions", heading: "Sessions" },
  { name: "policies", path: "/admin/policies", heading: "Policies" },
  { name: "signing-keys", path: "/admin/signing-keys", heading: "Signing keys" },
];
