import type { Page } from "playwright-core";

/** What opens over a page: a dialog, a menu, a list. */
export interface Overlay {
  readonly name: string;
  readonly path: string;
  readonly open: (page: Page) => Promise<void>;
  /** False for what is not there on a small screen. */
  readonly narrow?: boolean;
}

const button = (name: string) => (page: Page) => page.getByRole("button", { name, exact: true }).click();
const firstRow = (page: Page) => page.locator("tbody tr td").first().click();
const nothing = async (): Promise<void> => {};

/** Every dialog, and one menu and list of each kind. `keyId`: an active key. */
export function adminOverlays(keyId: string): readonly Overlay[] {
  return [
    { name: "add key", path: "/admin/keys?new=1", open: nothing },
    { name: "columns", path: "/admin/keys", open: button("Columns") },
    { name: "edit key", path: `/admin/keys/${keyId}`, open: button("Edit") },
    { name: "rotate key", path: `/admin/keys/${keyId}`, open: button("Rotate") },
    { name: "revoke key", path: `/admin/keys/${keyId}`, open: button("Revoke") },
    { name: "request", path: "/admin/logs", open: firstRow },
    {
      name: "key finder",
      path: "/admin/logs",
      open: async (page) => {
        await page.getByRole("combobox", { name: "API key" }).fill("a");
        await page.getByRole("option").first().waitFor();
      },
    },
    {
      name: "username field",
      path: "/admin/policies",
      open: async (page) => {
        await page.getByRole("combobox", { name: "Username" }).fill("a");
        await page.getByRole("option").first().waitFor();
      },
    },
    { name: "add user", path: "/admin/users?new=1", open: nothing },
    { name: "edit user", path: "/admin/users/3", open: button("Edit") },
    { name: "set password", path: "/admin/users/3", open: button("Set password") },
    { name: "disable user", path: "/admin/users/3", open: button("Disable") },
    { name: "add role", path: "/admin/roles?new=1", open: nothing },
    { name: "end sessions", path: "/admin/sessions?end=1", open: nothing },
    { name: "audit record", path: "/admin/audit", open: firstRow },
    { name: "rotate signing key", path: "/admin/signing-keys?rotate=1", open: nothing },
    {
      name: "account",
      path: "/admin/",
      narrow: false,
      open: (page) => page.getByRole("button", { name: /superuser/i }).click(),
    },
    { name: "palette", path: "/admin/", open: (page) => page.keyboard.press("Control+k") },
  ];
}

/** What is open over a page. */
export const overlay = "[role=dialog], [role=menu], [role=listbox]";
