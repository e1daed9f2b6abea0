// npm run screenshots: the pictures of the documentation, of the real program with data that look like a shop's.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { AdminStage } from "./admin-stage.ts";
import { enter, type VisitOptions } from "./browser.ts";
import { type AdminPage, adminPages } from "./pages.ts";
import { furnishShop } from "./shop.ts";
import { smallPng } from "./small-png.ts";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const only = process.argv.slice(2);

/** Which pages are taken besides in another form. */
const forms: readonly { suffix: string; names?: readonly string[]; options: Partial<VisitOptions> }[] = [
  { suffix: "", options: {} },
  { suffix: "-dark", names: ["overview", "keys", "logs"], options: { scheme: "dark" } },
  { suffix: "-phone", names: ["overview", "keys"], options: { width: 390, height: 844 } },
];

/** What is looked at of a page, where it is not its beginning. */
const addresses: Readonly<Record<string, string>> = {
  overview: "/admin/?range=24h",
  // What came before anybody looked: the pages' own calls stand in the log, too.
  logs: `/admin/logs?until=${new Date(Date.now() - 60_000).toISOString().slice(0, 16)}`,
  try: "/admin/try?rpc=/api.users.UserService/GetUser",
};

async function picture(page: Page, name: string): Promise<void> {
  writeFileSync(`${folder}admin-${name}.png`, smallPng(await page.screenshot()));
}

async function take(page: Page, { name, path, heading }: AdminPage, suffix: string): Promise<void> {
  await page.goto(addresses[name] ?? path);
  await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
  await page.waitForLoadState("networkidle");
  await picture(page, `${name}${suffix}`);
}

mkdirSync(folder, { recursive: true });
const stage = await AdminStage.open();
try {
  const pages = adminPages((await furnishShop(stage)).keyId);
  for (const { suffix, names, options } of forms) {
    const { page, context } = await stage.visit({ height: 900, ...options });
    if (suffix === "" && (only.length === 0 || only.includes("login"))) {
      await page.goto("/admin/");
      await page.getByLabel("Password").waitFor();
      await picture(page, "login");
    }
    await enter(page, stage.account("admin"));
    for (const one of pages)
      if ((names ?? [one.name]).includes(one.name) && (only.length === 0 || only.includes(one.name)))
        await take(page, one, suffix);
    await context.close();
  }
} finally {
  await stage.close();
}
