import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ids } from "../cast.ts";
import { codeOf } from "../totp-code.ts";
import { AdminStage } from "./admin-stage.ts";
import { enter } from "./browser.ts";
import { ask } from "./browser-request.ts";

// Who comes in with a second factor, who stays away, and what somebody hostile has left behind.

const idleSeconds = 7;
const password = "a password that is long enough";
let stage: AdminStage;
before(async () => {
  stage = await AdminStage.open(`admin: { idle_timeout: ${idleSeconds}s }`);
});
after(() => stage.close());

/** Somebody of staff with that name, who has a second factor. Returns its secret. */
async function withSecondFactor(username: string): Promise<string> {
  const { administrator, server } = stage;
  const id = await administrator.createUser(username);
  await administrator.call("/auth.v1.UserService/UpdateUser", { id, is_staff: true });
  await administrator.call("/auth.v1.UserService/SetPassword", { id, password });
  const { access_token: token } = (
    await ask(server.http, "/auth/token", { body: { username, password } })
  ).json();
  const own = async (rpc: string, body: object) => {
    const headers = { authorization: `Bearer ${String(token)}` };
    const answer = await ask(server.http, `/auth.v1.AuthService/${rpc}`, { headers, body });
    assert.equal(answer.status, 200, answer.body);
    return answer.json();
  };
  const secret = String((await own("EnrollTotp", { password }))["secret"]);
  await own("ConfirmTotp", { otp_code: codeOf(secret, 0) });
  return secret;
}

describe("a visit", () => {
  test("begins with the second factor, where there is one", async () => {
    const secret = await withSecondFactor("ada");
    const { page, context } = await stage.visit();
    await page.goto("/admin/");
    await page.getByLabel("Username or email").fill("ada");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Code").fill(codeOf(secret, 1));
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator("#content").waitFor();
    await page.goto("/admin/sessions");
    await page.getByText("Two factors").first().waitFor();
    await context.close();
  });

  test("goes on without a second factor that was lost, once an administrator has taken it off", async () => {
    await withSecondFactor("lost");
    const found = await stage.administrator.call("/auth.v1.UserService/GetUser", { username: "lost" });
    const { id } = found["user"] as { id: string };
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.goto(`/admin/users/${id}`);
    await page.getByRole("button", { name: "Reset second factor" }).click();
    await page.getByRole("dialog").getByText("make sure who asks").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Reset second factor" }).click();
    await page.getByText("Reset the second factor of lost").first().waitFor();
    await page.getByText("Off", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Reset second factor" }).count(), 0);
    await page.getByRole("cell", { name: "totp.disabled" }).waitFor();
    assert.deepEqual(complaints, []);
    const other = await stage.visit();
    await enter(other.page, { username: "lost", password });
    for (const { context: one } of [other, { context }]) await one.close();
  });

  test("ends when nobody does anything, also on a page that keeps itself up to date", async () => {
    const { page, context } = await stage.visit();
    // Nor does one that is denied what it asks for again and again.
    await page.route("**/GetTimeSeries", (route) =>
      route.fulfill({ status: 403, json: { code: "permission_denied", message: "not any more" } }),
    );
    const alone: string[] = [];
    page.on("request", (request) => {
      const isAlone = request.headers()["x-countersign-background"] !== undefined;
      if (isAlone || alone.length > 0) alone.push(new URL(request.url()).pathname);
    });
    const toldOfSession: number[] = [];
    page.on("response", (response) => {
      if (alone.includes(new URL(response.url()).pathname) && response.url().endsWith("/admin/session"))
        toldOfSession.push(response.status());
    });
    await enter(page, stage.account("admin"));
    const began = performance.now();
    await page.getByRole("button", { name: "Log in" }).waitFor({ timeout: 60_000 });
    assert.ok(performance.now() - began > (idleSeconds - 5) * 1000);
    assert.ok(alone.some((path) => path.endsWith("GetTimeSeries")));
    // To ask for the session keeps it: it is asked for when it is over (204), by each call that was told so, and not before.
    assert.deepEqual([...new Set(toldOfSession)], [204], alone.join("\n"));
    await context.close();
  });

  test("shows what is hostile as text: names of keys, and what callers say of themselves", async () => {
    const script = `<img src=x onerror="document.title='owned'">`;
    const { administrator } = stage;
    await assert.rejects(administrator.createUser(script), /username/);
    const { key, id } = await administrator.createKey(ids.alice, script);
    await stage.call(key, script);
    await stage.logged(id);
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    for (const path of ["keys", "logs?q=onerror", "logs", "?range=15m"]) {
      await page.goto(`/admin/${path}`);
      await page
        .getByText(/onerror=/)
        .first()
        .waitFor();
      assert.equal(await page.locator("img[src=x]").count(), 0, path);
      assert.notEqual(await page.title(), "owned", path);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("changes how somebody is called, and their rank", async () => {
    const id = await stage.administrator.createUser("temp");
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.goto(`/admin/users/${id}`);
    await page.getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Email").fill("temp@example.com");
    await dialog.getByLabel("Staff").check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved temp").waitFor();
    await page.getByText("temp@example.com").waitFor();
    const { user } = (await stage.administrator.call("/auth.v1.UserService/GetUser", { id })) as {
      user: { is_staff: boolean; is_superuser: boolean };
    };
    assert.deepEqual([user.is_staff, user.is_superuser], [true, false]);
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
