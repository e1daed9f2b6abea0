import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Locator, Page, Route } from "playwright-core";
import { AdminStage, furnish } from "./admin-stage.ts";
import { enter, type Visit } from "./browser.ts";

// What is typed is not lost, what is made is not made twice, and what went wrong is said. With motion, as most people have it.

let stage: AdminStage;
let keyId: string;
before(async () => {
  stage = await AdminStage.open();
  ({ keyId } = await furnish(stage));
});
after(() => stage.close());

async function administrator(): Promise<Visit> {
  const visit = await stage.visit();
  await visit.page.emulateMedia({ reducedMotion: "no-preference" });
  await enter(visit.page, stage.account("admin"));
  return visit;
}

/** The dialog that asks for a new key, with a name in it. */
async function newKey(page: Page, name: string): Promise<Locator> {
  await page.goto("/admin/keys?new=1");
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  return page.getByRole("dialog");
}

/** Beside what is open. */
const besideIt = (page: Page): Promise<void> => page.mouse.click(5, 5);

const refusedWith = (status: number, code: string, message: string) => (route: Route) =>
  route.fulfill({ status, contentType: "application/json", body: JSON.stringify({ code, message }) });

describe("a form", () => {
  test("that was typed into stays when one clicks beside it; one that was not is closed", async () => {
    const { page, context, complaints } = await administrator();
    const dialog = await newKey(page, "Typed");
    await besideIt(page);
    await page.keyboard.press("Tab");
    assert.equal(await dialog.getByLabel("Name").inputValue(), "Typed");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add gRPC API Key" }).click();
    await dialog.waitFor();
    await besideIt(page);
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("makes one key, however often it is sent while the server is slow; the key stays until it is kept", async () => {
    const { page, context, complaints } = await administrator();
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await page.route("**/GetUser", async (route) => {
      await held;
      await route.continue();
    });
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("CreateApiKey")) asked += 1;
    });
    const dialog = await newKey(page, "Once");
    const create = dialog.getByRole("button", { name: "Create key" });
    await create.click();
    await dialog.locator("button[aria-busy=true]").waitFor();
    await create.click({ force: true });
    await dialog.getByLabel("Name").press("Enter");
    goOn();
    await page.locator("[data-secret]").waitFor();
    assert.equal(asked, 1);
    await dialog.locator("button:focus").getByText("Copy the key").waitFor();
    await besideIt(page);
    await page.keyboard.press("Escape");
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("heading", { name: "Once", level: 1 }).waitFor();
    assert.equal(asked, 1);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("does not say that somebody is not there when the server cannot tell", async () => {
    const { page, context } = await administrator();
    await page.route("**/GetUser", refusedWith(503, "unavailable", "no database"));
    const dialog = await newKey(page, "Nobody's");
    await dialog.getByRole("button", { name: "Create key" }).click();
    await page.getByText("no database").first().waitFor();
    assert.equal(await dialog.getByText("There is no such user").count(), 0);
    await context.close();
  });

  test("leads to what is wrong, also where it is folded away", async () => {
    const { page, context } = await administrator();
    const dialog = await newKey(page, "Wrong");
    const more = dialog.getByText("Addresses, methods, limits and tags");
    await more.click();
    await dialog.getByLabel("Addresses").fill("not-a-network");
    await more.click();
    await dialog.getByRole("button", { name: "Create key" }).click();
    await dialog.locator('[name="address_ranges"][aria-invalid="true"]:focus').waitFor();
    await context.close();
  });

  test("that was cancelled is empty the next time", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto("/admin/users?new=1");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Superuser").check();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Add user" }).click();
    assert.equal(await dialog.getByLabel("Superuser").isChecked(), false);
    await page.goto(`/admin/keys/${keyId}`);
    await page.getByRole("button", { name: "Revoke" }).click();
    await dialog.getByLabel("Reason").fill("of another day");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Revoke" }).click();
    assert.equal(await dialog.getByLabel("Reason").inputValue(), "");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("sends a password as it was typed, with the blanks at its ends", async () => {
    const { page, context, complaints } = await administrator();
    const password = " a blank at each of its ends ";
    await page.goto("/admin/users?new=1");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Username").fill("blanks");
    await dialog.getByLabel("Password").fill(password);
    await dialog.getByLabel("Staff").check();
    await dialog.getByRole("button", { name: "Create user" }).click();
    await page.getByRole("heading", { name: "blanks", level: 1 }).waitFor();
    const other = await stage.visit();
    await enter(other.page, { username: "blanks", password });
    await other.context.close();
    assert.deepEqual(complaints, []);
    await context.close();
  });
});

describe("what went wrong", () => {
  test("a copy says whether it was made, also where there is no clipboard", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto("/admin/configuration");
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    const copy = page.getByRole("button", { name: "Copy", exact: true });
    await copy.click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    await copy.waitFor();
    await page.evaluate("document.execCommand = () => false");
    await copy.click();
    await page.getByRole("button", { name: "Not allowed: copy it by hand" }).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("figures that could not be read are not shown as none", async () => {
    const { page, context } = await administrator();
    for (const rpc of ["GetTimeSeries", "ListApiKeyFindings", "GetApiKeyUsage"])
      await page.route(`**/${rpc}`, refusedWith(429, "resource_exhausted", `${rpc} was refused`));
    await page.goto("/admin/");
    await page.getByText("GetTimeSeries was refused").waitFor();
    await page.getByText("ListApiKeyFindings was refused").waitFor();
    await page.goto(`/admin/keys/${keyId}`);
    await page.getByText("GetApiKeyUsage was refused").waitFor();
    await context.close();
  });

  test("a call that did not get through can be made again, and a session that could not be ended goes on", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/try");
    await page.route("**/admin/try/**", (route) => route.abort());
    const call = page.getByRole("button", { name: "Call", exact: true });
    await call.click();
    await page.getByText("Something went wrong").first().waitFor();
    await page.unroute("**/admin/try/**");
    await call.click();
    await page.getByText(/HTTP \d+/).waitFor();
    await page.route("**/admin/session", (route) => route.abort());
    await page.getByRole("button", { name: /superuser/i }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByText("Something went wrong").nth(1).waitFor();
    await context.close();
  });

  test("a session that another window has begun instead is taken on", async () => {
    const { page, context } = await administrator();
    await page.goto("/admin/keys");
    await page.getByRole("row").nth(1).waitFor();
    const other = await context.newPage();
    await other.goto("/admin/");
    await other.getByRole("button", { name: /superuser/i }).click();
    await other.getByRole("menuitem", { name: "Log out" }).click();
    await other.getByLabel("Password").waitFor();
    await enter(other, stage.account("admin"));
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByText("This one").waitFor();
    await context.close();
  });
});

describe("the list of calls", () => {
  test("has no gap where it begins to come by itself, and says when it no longer does", async () => {
    const { page, context } = await administrator();
    const { key, id } = await stage.administrator.createKey("3", "In between");
    await page.goto("/admin/logs");
    await page.locator("tbody tr").first().waitFor();
    await stage.call(key);
    await stage.logged(id);
    const live = page.getByRole("button", { name: "Live" });
    await live.click();
    const row = page.getByRole("row").filter({ hasText: "In between" });
    await row.waitFor();
    await live.click();
    await page.locator("button[aria-pressed=false]").waitFor();
    assert.equal(await row.count(), 1);
    await page.route("**/WatchRequests", (route) => route.abort());
    await live.click();
    await page.getByText("Something went wrong").first().or(page.getByText(/fetch/)).first().waitFor();
    await page.locator("button[aria-pressed=false]").waitFor();
    await context.close();
  });

  test("that a figure leads to is that of the figure's range", async () => {
    const { page, context, complaints } = await administrator();
    await page.goto("/admin/?range=15m");
    await page.getByRole("link", { name: /WhoAmI/ }).click();
    await page.waitForURL(/method=%2Fauth.v1.AuthService%2FWhoAmI&since=2/);
    assert.notEqual(await page.getByLabel("From").inputValue(), "");
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
