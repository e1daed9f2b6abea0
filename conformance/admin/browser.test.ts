import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { until } from "../deadline.ts";
import { AdminStage, furnish } from "./admin-stage.ts";
import { type Account, enter } from "./browser.ts";
import { cutOff } from "./cut-off.ts";
import { adminOverlays, type Overlay, overlay } from "./overlays.ts";
import { type AdminPage, adminPages } from "./pages.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let stage: AdminStage;
let pages: readonly AdminPage[];
let overlays: readonly Overlay[];

before(async () => {
  stage = await AdminStage.open();
  const { keyId } = await furnish(stage);
  pages = adminPages(keyId);
  overlays = adminOverlays(keyId);
});
after(() => stage.close());

/** Axe's violations in what is found by the selector, in a line each. Run through the debugger, which the page's policy does not concern. */
async function violations(
  page: Page,
  rules: "all" | "colours" = "all",
  within = "html",
): Promise<readonly string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(axeSource);
  const options = rules === "all" ? {} : { runOnly: ["color-contrast", "link-in-text-block"] };
  const found = (await page.evaluate(`axe.run(${JSON.stringify(within)}, ${JSON.stringify(options)})`)) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** What hangs on something else follows it in the next picture, and so do colours. */
async function nextPicture(page: Page): Promise<void> {
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
}

/** Axe's violations in both themes: they differ in their colours, and in nothing else. */
async function violationsInBoth(page: Page, within?: string): Promise<readonly string[]> {
  const inLight = await violations(page, "all", within);
  await page.emulateMedia({ colorScheme: "dark" });
  await nextPicture(page);
  const inDark = await violations(page, "colours", within);
  await page.emulateMedia({ colorScheme: "light" });
  return [...inLight, ...inDark.map((line) => `dark: ${line}`)];
}

/** The line of a chart: `--color-accent`. */
const accent = { light: "15,118,110,255", dark: "45,212,191,255" };

/** Whether one of the page's first canvas is of that colour. To be run in the page. */
const hasPixel = (color: string): string => `(() => {
  const { width, height } = document.querySelector("canvas");
  const { data } = document.querySelector("canvas").getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, at) => data.slice(4 * at, 4 * at + 4).join()).includes("${color}");
})()`;

const full = { width: 1280, height: 860 };

/** What cannot be seen of a page on a screen of 1280 pixels at 200 %, and on one of 320. */
async function unseen(page: Page, widths: readonly number[] = [640, 320]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 360 });
    found.push(...(await cutOffInTheEnd(page)).map((line) => `at ${width}: ${line}`));
  }
  await page.setViewportSize(full);
  return found;
}

/** A busy browser draws a page of a new size with lengths of the old one (`100vw`) at first: what is cut off stays so. */
async function cutOffInTheEnd(page: Page): Promise<readonly string[]> {
  let found: readonly string[] = [];
  for (let pictures = 0; pictures < 30; pictures += 1) {
    await nextPicture(page);
    found = await cutOff(page);
    if (found.length === 0) break;
  }
  return found;
}

describe("every page of the admin UI, in a browser", () => {
  test("shows itself, breaks no rule of axe in both themes, no policy, asks nobody else, and fits 200 % and 320 pixels", async () => {
    // Two pixels of the screen for each of the page.
    const { page, context, complaints, strayed } = await stage.visit({ ...full, scale: 2 });
    await page.goto("/admin/");
    await page.getByLabel("Password").waitFor();
    assert.deepEqual(await violationsInBoth(page), [], "login");
    assert.deepEqual(await unseen(page), [], "login");
    await enter(page, stage.account("admin"));
    for (const { name, path, heading } of pages) {
      await page.goto(path);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      assert.deepEqual(await violationsInBoth(page), [], name);
      assert.deepEqual(await unseen(page), [], name);
    }
    await page.setViewportSize({ width: 320, height: 360 });
    await page.getByRole("button", { name: "Open navigation" }).click();
    assert.deepEqual(await cutOff(page), [], "navigation");
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    assert.deepEqual(complaints, []);
    assert.deepEqual(strayed, []);
    await context.close();
  });

  test("so does what opens over a page", async () => {
    const { page, context, complaints } = await stage.visit(full);
    await enter(page, stage.account("admin"));
    for (const { name, path, open, narrow = true } of overlays) {
      await page.goto(path);
      await page.locator("h1").waitFor();
      await open(page);
      await page.locator(overlay).first().waitFor();
      assert.deepEqual(await violationsInBoth(page, overlay), [], name);
      if (narrow) assert.deepEqual(await unseen(page, [320]), [], name);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("has another theme at once for who wants nothing to move, in its charts too", async () => {
    const { page, context, complaints } = await stage.visit(full);
    await enter(page, stage.account("admin"));
    await page.locator("canvas").first().waitFor();
    const moving = (): Promise<unknown> =>
      page.evaluate("document.getAnimations().map(({ transitionProperty }) => transitionProperty)");
    const drawnIn = (color: string): Promise<void> =>
      until(10_000, `a chart in ${color}`, () => page.evaluate<boolean>(hasPixel(color)));
    await drawnIn(accent.light);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await moving(), []);
    await drawnIn(accent.dark);
    await page.evaluate("document.documentElement.dataset.theme = 'light'");
    assert.deepEqual(await moving(), []);
    await drawnIn(accent.light);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("one that cannot be shown says so, and leaves the way to the others", async () => {
    const { page, context } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.route("**/assets/policies-*.js", (route) => route.abort());
    await page.getByRole("link", { name: "Policies" }).click();
    await page.getByRole("heading", { name: "This page cannot be shown" }).waitFor();
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    await page.goto("/admin/logs?since=yesterday&until=never");
    await page.locator("tbody tr").first().waitFor();
    await context.close();
  });
});

describe("who comes in", () => {
  test("a wrong password, and somebody who is not staff, are told so", async () => {
    const { page, context } = await stage.visit();
    await page.goto("/admin/");
    const attempt = async ({ username, password }: Account): Promise<void> => {
      await page.getByLabel("Username or email").fill(username);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
    };
    await attempt({ username: "admin", password: "wrong" });
    await page.getByText("Invalid credentials").waitFor();
    await attempt(stage.account("alice"));
    await page.getByText("Staff access required").waitFor();
    await context.close();
  });

  test("a viewer sees, and is offered nothing that changes anything", async () => {
    await stage.administrator.call("/auth.v1.RoleService/AssignRole", { user_id: "2", role: "viewer" });
    const { page, context } = await stage.visit();
    await enter(page, stage.account("sam"));
    await page.goto("/admin/users/3");
    await page.getByRole("heading", { name: "alice", level: 1 }).waitFor();
    for (const name of ["Disable", "Delete", "Set password"])
      assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
    for (const { path, heading } of pages) {
      await page.goto(path);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      assert.equal(await page.getByText("You may not see this").count(), 0, path);
    }
    await page.goto("/admin/signing-keys");
    assert.equal(await page.getByRole("button", { name: /rotate|retire|new/i }).count(), 0);
    await context.close();
  });

  test("a session that is ended elsewhere asks to log in again", async () => {
    const { page, context } = await stage.visit();
    await enter(page, stage.account("sam"));
    const { sessions } = (await stage.administrator.call("/auth.v1.AuthService/ListSessions", {
      user_id: "2",
    })) as {
      sessions: { id: string }[];
    };
    for (const { id } of sessions)
      await stage.administrator.call("/auth.v1.AuthService/RevokeSession", { id });
    await page.goto("/admin/users");
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await context.close();
  });
});

describe("hostile data and pages", () => {
  test("stored XSS: names are text wherever they are shown", async () => {
    const script = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    await stage.administrator.call("/auth.v1.RoleService/CreateRole", {
      name: "hostile",
      description: script,
    });
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.goto("/admin/roles");
    await page.getByText(script).waitFor();
    assert.equal(await page.title(), "Roles · Countersign");
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("CSRF and clickjacking: a page of another origin can neither act nor hold this one in a frame", async (t) => {
    const { page, context } = await stage.visit();
    await enter(page, stage.account("admin"));
    const evil = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(`<iframe src="${stage.origin}/admin/users"></iframe><script>
        fetch("${stage.origin}/admin/rpc/auth.v1.UserService/DisableUser", { method: "POST", credentials: "include",
          headers: { "content-type": "text/plain" }, body: '{"id":"3"}', mode: "no-cors" });
      </script>`);
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      evil.closeAllConnections();
      evil.close();
    });
    // The answer is kept from the page that asked (CORP), which the browser calls a failure.
    const answered = page.waitForEvent("requestfailed", (request) => request.url().endsWith("DisableUser"));
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    await answered;
    const frame = page.frames().find((one) => one !== page.mainFrame());
    assert.equal(await frame?.getByText("Users").count(), 0, "the frame is empty");
    const { user } = (await stage.administrator.call("/auth.v1.UserService/GetUser", { id: "3" })) as {
      user: { is_active: boolean };
    };
    assert.equal(user.is_active, true);
    await context.close();
  });

  test("nothing secret is kept by the browser", async () => {
    const { page, context } = await stage.visit();
    await enter(page, stage.account("admin"));
    const kept = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    assert.doesNotMatch(String(kept), /eyJ|cs_|csrf|token/);
    const [cookie, ...others] = await context.cookies();
    assert.deepEqual(
      [others, cookie?.httpOnly, cookie?.sameSite, cookie?.path],
      [[], true, "Strict", "/admin"],
    );
    await context.close();
  });
});

describe("what is done", () => {
  test("a user is made, given a role, and disabled, with the keyboard alone where that is quicker", async () => {
    const { page, context, complaints } = await stage.visit();
    await enter(page, stage.account("admin"));
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("add user");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Username").fill("grace");
    await dialog.getByLabel("Password").fill("short");
    await dialog.getByRole("button", { name: "Create user" }).click();
    await dialog
      .getByText(/at least 15 characters/i)
      .nth(1)
      .or(dialog.getByText(/characters/).first())
      .waitFor();
    await dialog.getByLabel("Password").fill("a password that is long enough");
    await dialog.getByRole("button", { name: "Create user" }).click();
    await page.getByRole("heading", { name: "grace", level: 1 }).waitFor();
    await page.getByLabel("Assign a role").selectOption("viewer");
    await page.getByText("auth.users:read").waitFor();
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
    await page.getByText("Disabled grace").waitFor();
    await page.getByRole("button", { name: "Enable" }).waitFor();
    assert.deepEqual(
      complaints.filter((line) => !line.includes("400")),
      [],
    );
    await context.close();
  });
});
