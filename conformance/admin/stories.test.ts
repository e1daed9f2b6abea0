import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { ids } from "../cast.ts";
import { until } from "../deadline.ts";
import { AdminStage } from "./admin-stage.ts";
import { enter, type Visit } from "./browser.ts";

// What people come for, end to end: in a browser on one side, and with calls of a service on the other.

let stage: AdminStage;
before(async () => {
  stage = await AdminStage.open();
});
after(() => stage.close());

/** A visit of the administrator's; nothing may be complained about but refusals that the test is about. */
async function administrator(): Promise<Visit> {
  const visit = await stage.visit();
  await enter(visit.page, stage.account("admin"));
  return visit;
}

/** The row of a table that has this text in it. */
const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

/** What a dialog shows once. */
async function secretOf(page: Page): Promise<string> {
  return (await page.getByRole("dialog").locator("[data-secret]").textContent()) ?? "";
}

describe("an API key", () => {
  test("is made, shown once, used, counted, rotated and revoked", async () => {
    const { page, context, complaints } = await administrator();
    await page.getByRole("link", { name: "gRPC API Keys" }).click();
    await page.getByRole("button", { name: "Add gRPC API Key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Nightly Report");
    await dialog.getByLabel("User").fill("alice");
    await dialog.getByLabel("Expiration").selectOption("30");
    await dialog.getByRole("button", { name: "Create key" }).click();
    const key = await secretOf(page);
    assert.match(key, /^cs_dev_/);
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("heading", { name: "Nightly Report", level: 1 }).waitFor();
    assert.ok(!(await page.content()).includes(key), "the key is shown once");

    for (let calls = 0; calls < 3; calls++) assert.equal((await stage.call(key)).status, 200);
    await page.goto("/admin/keys");
    await until(10_000, "the key's usage", async () => {
      await page.reload();
      await row(page, "Nightly Report").waitFor();
      return (await row(page, "Nightly Report").getByRole("cell", { name: "3", exact: true }).count()) === 1;
    });
    await row(page, "Nightly Report").getByText("Active").waitFor();

    await row(page, "Nightly Report")
      .getByRole("img", { name: /last 14 days/ })
      .waitFor();

    await page.getByRole("link", { name: "Nightly Report" }).click();
    await page.getByText("127.0.0.1").first().waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Tags").fill("team:reports");
    await page.getByRole("dialog").getByLabel("Limits").fill("1000/minute");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("team:reports").waitFor();
    await page.getByText("1000/minute").waitFor();
    await page.goto("/admin/keys");
    const tag = page.getByRole("textbox", { name: "Tag", exact: true });
    await tag.fill("team:other");
    await tag.press("Enter");
    await page.getByText("Nothing matches").waitFor();
    await tag.fill("team:reports");
    await tag.press("Enter");
    await row(page, "Nightly Report").waitFor();
    await page.goto("/admin/keys");
    await row(page, "Nightly Report").waitFor();
    for (const [direction, first] of [
      ["ascending", "first key"],
      ["descending", "Nightly Report"],
    ] as const) {
      await page.getByRole("button", { name: "Name", exact: true }).click();
      const header = page.locator(`th[aria-sort=${direction}]`).getByRole("button", { name: "Name" });
      await header.waitFor();
      await page.locator("tbody tr").first().getByText(first).waitFor();
    }
    assert.match(page.url(), /sort=-name/);
    await page.getByRole("link", { name: "Nightly Report" }).click();
    await page.getByRole("button", { name: "Rotate" }).click();
    await page.getByRole("dialog").getByLabel("The old key works").selectOption("3600");
    await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
    const next = await secretOf(page);
    assert.notEqual(next, key);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByText("Took the place of").waitFor();
    assert.deepEqual([(await stage.call(key)).status, (await stage.call(next)).status], [200, 200]);

    await page.goto("/admin/keys?q=Nightly");
    await row(page, "Nightly Report").nth(1).waitFor();
    await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
    await page.getByText("2 selected").waitFor();
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("no longer needed");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("Revoked 2 API keys").waitFor();
    for (const one of [key, next]) {
      const { status, json } = await stage.call(one);
      assert.deepEqual([status, json()["message"]], [401, "API key revoked"]);
    }
    await page.getByLabel("Status").selectOption("revoked");
    await row(page, "Revoked").nth(1).waitFor();
    assert.match(page.url(), /status=revoked/);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("says which field is wrong, and keeps what was typed", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/keys?new=1");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Broken");
    await dialog.getByLabel("User").fill("nobody-here");
    await dialog.getByRole("button", { name: "Create key" }).click();
    await dialog.getByText("There is no such user").waitFor();
    await dialog.getByLabel("User").fill("alice");
    await dialog.getByText("Addresses, methods, limits and tags").click();
    await dialog.getByLabel("Addresses").fill("not-a-network");
    await dialog.getByRole("button", { name: "Create key" }).click();
    await dialog.locator('[name="address_ranges"][aria-invalid="true"]').waitFor();
    assert.equal(await dialog.getByLabel("Name").inputValue(), "Broken");
    await context.close();
  });
});

describe("the request log", () => {
  test("is narrowed down by filters in the address; a row says why, also now; live rows come by themselves", async () => {
    const { key, id } = await stage.administrator.createKey(ids.alice, "Logged");
    const hostile = `<img src=x onerror="document.title='owned'">`;
    await stage.call(key, hostile);
    await stage.call(undefined);
    const { page, context, complaints } = await administrator();
    await page.goto(`/admin/logs?key=${id}`);
    await until(10_000, "the call in the log", async () => {
      await page.reload();
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      return (await row(page, "WhoAmI").count()) === 1;
    });
    // The keyboard alone: to the first row, along the rows, into one, and back to it.
    await page.locator("tbody tr").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText(hostile).waitFor();
    await dialog.getByText("The same call now").waitFor();
    await dialog.getByText("Allowed").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    await page.goto("/admin/logs");
    const keys = page.getByRole("combobox", { name: "API key" });
    await keys.fill("ogge");
    await page.getByRole("option", { name: /^Logged/ }).click();
    await page.waitForURL(new RegExp(`key=${id}`));
    const users = page.getByRole("combobox", { name: "User" });
    await users.fill("alic");
    await page.getByRole("option", { name: "alice" }).waitFor();
    await users.press("Enter");
    await page.waitForURL(/user=3/);
    await page.reload();
    await row(page, "WhoAmI").waitFor();
    await until(
      5_000,
      "the names",
      async () => `${await keys.inputValue()} ${await users.inputValue()}` === "Logged alice",
    );
    await page.getByRole("button", { name: "Clear User" }).click();
    await page.waitForURL((url) => url.searchParams.get("key") === id && !url.searchParams.has("user"));

    await page.goto("/admin/logs?method=/auth.v1.AuthService/WhoAmI");
    await page.getByLabel("Reason").selectOption("CREDENTIALS_MISSING");
    await row(page, "CREDENTIALS_MISSING").first().waitFor();
    await page.waitForURL(/reason=CREDENTIALS_MISSING/);
    await page.locator("section[aria-busy=false]").waitFor();
    assert.equal(await row(page, "Logged").count(), 0);

    await page.goto("/admin/logs?status=success");
    await page.getByRole("button", { name: "Live" }).click();
    await until(10_000, "a live row", async () => {
      await stage.call(key, "live/1");
      return (await row(page, "Logged").count()) > 1;
    });
    const downloads = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const download = await downloads;
    assert.match(download.suggestedFilename(), /^requests-\d{4}-\d\d-\d\d\.csv$/);
    const saved = readFileSync(await download.path(), "utf8");
    assert.match(saved, /^request_id,ended_at,.*\r\n/);
    assert.ok(saved.includes(hostile.replaceAll('"', '""')));
    assert.ok(!saved.includes("CREDENTIALS_MISSING"), "the file is filtered as the page is");
    assert.notEqual(await page.title(), "owned");
    assert.deepEqual(complaints, []);
    await context.close();
  });
});

describe("who looks after the program", () => {
  test("sees how calls go, over any range", async () => {
    await stage.call(undefined);
    const { page, context, complaints } = await administrator();
    await until(15_000, "figures", async () => {
      await page.goto("/admin/?range=15m");
      await page.waitForLoadState("networkidle");
      return page.getByRole("link", { name: /CREDENTIALS_MISSING/ }).isVisible();
    });
    await page.getByRole("img", { name: "Calls and errors over time" }).waitFor();
    await row(page, stage.server.grpc).getByText("Serving").waitFor();
    await row(page, stage.server.http).getByText("this one").waitFor();
    for (const range of ["1h", "6h", "24h", "7d", "30d"]) {
      await page.getByLabel("Range").selectOption(range);
      await page.waitForURL(new RegExp(`range=${range}`));
      await page.getByRole("link", { name: /CREDENTIALS_MISSING/ }).waitFor();
    }
    await page.getByRole("link", { name: /CREDENTIALS_MISSING/ }).click();
    await page.getByRole("heading", { name: "gRPC Request Logs", level: 1 }).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("reads the configuration, in which no secret is", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/configuration");
    await page.getByText("pepper: set").waitFor();
    const secrets = JSON.parse(
      readFileSync(`${stage.server.data}/development-secrets.json`, "utf8"),
    ) as Record<string, string>;
    const shown = await page.content();
    for (const secret of Object.values(secrets)) assert.ok(!shown.includes(secret));
    await context.close();
  });

  test("tries a call out, as nobody and with a key", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto("/admin/try?rpc=/auth.v1.AuthService/WhoAmI");
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("HTTP 401").waitFor();
    await page.getByText("Authentication required").waitFor();
    await page.getByLabel("Credential").selectOption("api_key");
    await page.getByLabel("API key", { exact: true }).fill(stage.server.apiKey);
    await page.getByRole("button", { name: "Call" }).click();
    await page.getByText("HTTP 200").waitFor();
    await page.getByText('"username": "alice"').waitFor();
    assert.doesNotMatch(page.url(), /cs_dev/);
    assert.deepEqual(
      complaints.filter((line) => !line.includes("401")),
      [],
    );
    await context.close();
  });
});

describe("a change", () => {
  test("shows at once, is taken back where it is refused, and says by which request", async () => {
    const { id, key } = await stage.administrator.createKey(ids.alice, "Hasty");
    const { page, context } = await administrator();
    await page.goto(`/admin/keys/${id}`);
    const disable = "**/auth.v1.ApiKeyService/DisableApiKey";
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(disable, async (route) => {
      await held;
      const headers = { "x-request-id": "0123456789abcdef" };
      await route.fulfill({ status: 503, headers, json: { code: "unavailable", message: "not now" } });
    });
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByText("Disabled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Enable", disabled: true }).waitFor();
    answer();
    await page.getByText("The server cannot answer now").first().waitFor();
    await page.locator("[data-request-id]", { hasText: "0123456789abcdef" }).waitFor();
    await page.getByText("Active", { exact: true }).waitFor();
    assert.equal((await stage.call(key)).status, 200);

    await page.unroute(disable);
    await page.getByRole("button", { name: "Disable" }).click();
    const shown = page.locator("[data-request-id]").first();
    await page.getByText("refused until it is enabled again").first().waitFor();
    const requestId = String(await shown.textContent());
    const { json } = await stage.call(key);
    assert.equal(json()["message"], "API key disabled");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the request id" }).first().click();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), requestId);
    await until(10_000, "the request in the log", async () => {
      await page.goto(`/admin/logs?q=${requestId}`);
      await page.waitForLoadState("networkidle");
      return (await row(page, "DisableApiKey").count()) === 1;
    });
    await context.close();
  });
});

test("the command palette leads to pages, tasks, keys and users, and does what concerns the UI", async () => {
  await stage.administrator.createKey(ids.alice, "Palette Target");
  const { page, context, complaints } = await administrator();
  const choose = async (typed: string, name: RegExp | string): Promise<void> => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Go to" }).fill(typed);
    await page.getByRole("option", { name }).waitFor();
    await page.keyboard.press("Enter");
  };
  await choose("signing keys", "Signing keys");
  await page.getByRole("heading", { name: "Signing keys", level: 1 }).waitFor();
  await choose("palette tar", /Palette Target/);
  await page.getByRole("heading", { name: "Palette Target", level: 1 }).waitFor();
  await choose("dark", "Dark theme");
  assert.equal(await page.evaluate("document.documentElement.dataset.theme"), "dark");
  await choose("add role", "Add role");
  await page.getByRole("dialog").getByLabel("Permissions").waitFor();
  await page.keyboard.press("Escape");
  await choose("log out", "Log out");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("who may not see a page is told so, on each", async () => {
  const { page, context } = await stage.visit();
  await enter(page, stage.account("sam"));
  for (const path of ["", "logs", "configuration", "try", "policies", "signing-keys", "roles", "users"]) {
    await page.goto(`/admin/${path}`);
    await page.getByText("You may not see this").first().waitFor();
  }
  await page.goto("/admin/keys");
  await page.getByText("No API keys yet").waitFor();
  assert.equal(await page.getByRole("button", { name: "Add gRPC API Key" }).count(), 0);
  await context.close();
});

describe("the audit log", () => {
  test("is searched, opened, saved and verified; what somebody with the database changed is shown as broken", async () => {
    const { id } = await stage.administrator.createKey(ids.alice, "Audited");
    await stage.administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, reason: "a spare one" });
    const { page, context, complaints } = await administrator();
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByRole("searchbox").fill(id);
    await page.waitForURL(new RegExp(`q=${id}`));
    await until(5_000, "the filter", async () => (await page.locator("tbody tr").count()) === 2);
    await row(page, "key.revoked").getByText("admin").waitFor();
    await row(page, "key.revoked").getByRole("cell").first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("a spare one").first().waitFor();
    await dialog.getByText(/^[0-9a-f]{64}$/).waitFor();
    await page.keyboard.press("Escape");
    const downloads = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const saved = readFileSync(await (await downloads).path(), "utf8");
    assert.equal(saved.split("\r\n").filter((line) => line.includes(id)).length, 2);

    await page.getByText("Each record carries a hash").waitFor();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText(/^All \d+ records are as they were written\.$/).waitFor();
    const database = new DatabaseSync(join(stage.server.data, "countersign.db"), { timeout: 10_000 });
    database.exec("drop trigger audit_log_no_update; update audit_log set actor = '2' where sequence = 3");
    database.close();
    await page.goto("/admin/audit?verify=1");
    await page.getByText(/^Record 3 is wrong: .+\.$/).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
