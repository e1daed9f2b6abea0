import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
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
      const ids = byIds[0]?.body["ids"];
      assert.ok(Array.isArray(ids) && ids.length >= 3, rpc);
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
