import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { ids } from "../cast.ts";
import { until } from "../deadline.ts";
import { AdminStage } from "./admin-stage.ts";
import { enter } from "./browser.ts";

// Users and keys are numbers in what is logged; people know them by their names.

let stage: AdminStage;
before(async () => {
  stage = await AdminStage.open();
});
after(() => stage.close());

/** Which RPCs a page calls, and with what. */
function asked(page: Page): { rpc: string; body: Record<string, unknown> }[] {
  const calls: { rpc: string; body: Record<string, unknown> }[] = [];
  page.on("request", (request) => {
    const [, rpc] = /\/admin\/rpc\/.*\/(\w+)$/.exec(request.url()) ?? [];
    if (rpc !== undefined)
      calls.push({ rpc, body: (request.postDataJSON() ?? {}) as Record<string, unknown> });
  });
  return calls;
}

const deleteUser = "/auth.v1.UserService/DeleteUser";

describe("names", () => {
  test("of all keys and users of a page are one question each, and who is gone is a number", async () => {
    const { administrator } = stage;
    const users = await Promise.all(
      Array.from({ length: 210 }, (_, n) => administrator.createUser(`person${n}`)),
    );
    const [one, other, gone] = users.sort((a, b) => Number(b) - Number(a)) as [string, string, string];
    assert.ok(Number(gone) > 200);
    for (const [owner, name] of [
      [one, "orders"],
      [other, "billing"],
      [gone, "left behind"],
    ] as const) {
      const { key } = await administrator.createKey(owner, name);
      assert.equal((await stage.call(key)).status, 200);
    }
    await administrator.call(deleteUser, { id: gone });
    await administrator.call(deleteUser, { id: users[5] });
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    const rows = page.locator("tbody tr");
    await until(10_000, "the calls in the log", async () => {
      await page.goto("/admin/logs");
      await rows.first().waitFor();
      return (await rows.filter({ hasText: "left behind" }).count()) === 1;
    });
    await page.waitForLoadState("networkidle");
    const calls = asked(page);
    await page.reload();
    await rows.filter({ hasText: "left behind" }).getByText(gone, { exact: true }).waitFor();
    await rows.filter({ hasText: "billing" }).waitFor();
    await page.waitForLoadState("networkidle");
    const looks = calls.filter(({ rpc }) => rpc === "GetApiKey" || rpc === "GetUser");
    assert.deepEqual(looks, []);
    for (const rpc of ["ListApiKeys", "ListUsers"]) {
      const byIds = calls.filter((call) => call.rpc === rpc && call.body["ids"] !== undefined);
      assert.equal(byIds.length, 1, rpc);
      const named = byIds[0]?.body["ids"];
      assert.ok(Array.isArray(named) && named.length >= 3, rpc);
    }
    // What was done to somebody who is gone, and by whom.
    for (const path of [
      "/admin/audit",
      `/admin/logs?user=${gone}`,
      "/admin/logs?key=gone",
      "/admin/?range=15m",
    ]) {
      await page.goto(path);
      await page.waitForLoadState("networkidle");
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
});

describe("a user", () => {
  test("is found while one types: for the keys of theirs, for a new key, and for what they may call", async () => {
    const { administrator } = stage;
    await administrator.createKey(ids.alice, "of alice");
    await administrator.createKey(ids.sam, "of sam");
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.goto("/admin/keys");
    const rows = page.locator("tbody tr");
    await rows.filter({ hasText: "of sam" }).waitFor();
    const owner = page.getByRole("combobox", { name: "User", exact: true });
    await owner.fill("lice");
    await page.getByRole("option", { name: "alice" }).waitFor();
    await owner.press("Enter");
    await page.waitForURL(/user=3/);
    await rows.filter({ hasText: "of sam" }).waitFor({ state: "detached" });
    await rows.filter({ hasText: "of alice" }).waitFor();
    await page.goto("/admin/keys?user=alice");
    await page.getByText("Nothing matches").waitFor();
    await page.goto("/admin/users/3");
    await page.getByRole("link", { name: "API keys", exact: true }).click();
    await rows.filter({ hasText: "of alice" }).waitFor();

    await page.goto("/admin/keys?new=1");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("For Sam");
    const user = dialog.getByRole("combobox", { name: "User", exact: true });
    assert.equal(await user.inputValue(), "admin");
    await user.fill("sa");
    await page.getByRole("option", { name: "sam" }).waitFor();
    await user.press("ArrowDown");
    await user.press("Enter");
    assert.equal(await user.inputValue(), "sam");
    await dialog.getByRole("button", { name: "Create key" }).click();
    await dialog.locator("[data-secret]").waitFor();

    await page.goto("/admin/policies");
    await page.getByRole("combobox", { name: "Username" }).fill("ali");
    await page.getByRole("option", { name: "alice" }).click();
    await page.getByLabel("RPC", { exact: true }).fill("/auth.v1.AuthService/WhoAmI");
    await page.keyboard.press("Enter");
    await page.getByText("Allowed").first().waitFor();
    // Whoever types a whole name and presses Enter asks, and is not given another name.
    const asking = page.waitForRequest(
      (request) => request.url().endsWith("/GetUser") && request.postDataJSON()?.username === "sam",
    );
    await page.getByRole("combobox", { name: "Username" }).fill("sam");
    await page.keyboard.press("Enter");
    await asking;
    assert.equal(await page.getByRole("combobox", { name: "Username" }).inputValue(), "sam");
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
