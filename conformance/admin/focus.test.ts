import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { AdminStage, furnish } from "./admin-stage.ts";
import { enter, type Visit } from "./browser.ts";
import { cutOff } from "./cut-off.ts";

// Who works with the keyboard, or with a screen reader, stays where they are. With motion, as most people have it.

let stage: AdminStage;
let keyId: string;
before(async () => {
  stage = await AdminStage.open();
  ({ keyId } = await furnish(stage));
  for (let number = 1; number <= 51; number += 1) await stage.administrator.createKey("3", `Batch ${number}`);
  const permissions = [{ resource: "orders", action: "read" }];
  await stage.administrator.call("/auth.v1.RoleService/CreateRole", { name: "desk", permissions });
});
after(() => stage.close());

async function administrator(width = 1280): Promise<Visit> {
  const visit = await stage.visit({ width });
  await visit.page.emulateMedia({ reducedMotion: "no-preference" });
  await enter(visit.page, stage.account("admin"));
  return visit;
}

async function pressed(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).first().focus();
  await page.keyboard.press("Enter");
}

/** Waits until what has the focus is called so. */
const focused = (page: Page, name: string): Promise<void> =>
  page
    .locator(":focus")
    .and(page.getByRole("button", { name, exact: true }).or(page.getByLabel(name, { exact: true })))
    .waitFor();

describe("the focus", () => {
  test("comes back from a dialog to what opened it, in a row of a table too", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto("/admin/roles");
    for (const name of ["Edit", "Delete", "Add role"]) {
      await pressed(page, name);
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await focused(page, name);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("stays where something is done, loaded, sorted or narrowed down", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto(`/admin/keys/${keyId}`);
    await pressed(page, "Disable");
    await page.getByText("Disabled: refused until").first().waitFor();
    await focused(page, "Enable");
    await page.keyboard.press("Enter");
    await page.getByText("Enabled", { exact: true }).first().waitFor();
    await focused(page, "Disable");

    await page.goto("/admin/keys");
    await pressed(page, "Name");
    await page.locator("th[aria-sort=ascending]").waitFor();
    await page.locator("tbody tr").first().getByText("Analytics Service").waitFor();
    await focused(page, "Name");
    const tag = page.getByRole("textbox", { name: "Tag", exact: true });
    await tag.fill("team:other");
    await tag.press("Enter");
    await page.getByText("Nothing matches").waitFor();
    await focused(page, "Tag");
    await tag.fill("");
    await tag.press("Enter");
    const users = page.getByRole("combobox", { name: "User" });
    await users.fill("alic");
    await page.getByRole("option", { name: "alice" }).waitFor();
    await users.press("Enter");
    await page.waitForURL(/user=3/);
    await page.locator("section[aria-busy=false] tbody tr").first().waitFor();
    await focused(page, "User");
    assert.equal(await users.inputValue(), "alice");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("goes on in the page that a row leads to", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/keys");
    await page.locator("tbody tr").first().waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.locator(":focus").textContent(), "Skip to the content");
    await page.locator("tbody tr").first().focus();
    await page.keyboard.press("Enter");
    await page.locator("#content:focus").waitFor();
    await context.close();
  });

  test("a row is chosen by its name", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/keys");
    await page.getByRole("checkbox", { name: "Select Batch 51" }).check();
    await page.getByText("1 selected").waitFor();
    await context.close();
  });
});

describe("a small screen", () => {
  test("the navigation closes when it has led somewhere, by the palette too", async () => {
    const { page, context, complaints } = await administrator(375);
    await page.getByRole("button", { name: "Open navigation" }).click();
    await page.getByRole("button", { name: /Go to/ }).click();
    await page.getByRole("option", { name: "Users" }).click();
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Open navigation" }).waitFor();
    assert.equal(await page.locator("#navigation").isVisible(), false);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("is not covered by notices: the last three are shown, and what is between them can be reached", async () => {
    const { page, context, complaints } = await administrator(375);
    await page.setViewportSize({ width: 375, height: 560 });
    await page.goto(`/admin/keys/${keyId}`);
    const copies = page.getByRole("button", { name: "Copy the request id" });
    for (const [deed, number] of [
      ["Disable", 1],
      ["Enable", 2],
      ["Disable", 3],
    ] as const) {
      await page.getByRole("button", { name: deed, exact: true }).press("Enter");
      await copies.nth(number - 1).waitFor();
      // Pointed at, they stay.
      await copies.last().hover();
    }
    const answered = page.waitForResponse((response) => response.url().endsWith("EnableApiKey"));
    await page.getByRole("button", { name: "Enable", exact: true }).press("Enter");
    await (await answered).finished();
    await page.getByText("Enabled", { exact: true }).nth(1).waitFor();
    assert.equal(await copies.count(), 3);
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Name").waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("holds names that have no blank", async () => {
    const name = "ANameWithoutAnyBlankThatIsWiderThanAPhoneAndThanMostColumnsOfATableOrAPanel";
    const { id } = await stage.administrator.createKey("3", name);
    const { page, context, complaints } = await administrator(375);
    for (const path of [`/admin/keys/${id}`, "/admin/"]) {
      await page.goto(path);
      await page.getByText(name).first().waitFor();
      await page.waitForLoadState("networkidle");
      assert.deepEqual(await cutOff(page), [], path);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
