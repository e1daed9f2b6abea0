import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "../deadline.ts";
import { closeServer, type OpenServer, openServer } from "../open-server.ts";
import { ask, cookieOf, logInAs, ownPage } from "./browser-request.ts";

const whoAmI = "/admin/rpc/auth.v1.AuthService/WhoAmI";
const listUsers = "/admin/rpc/auth.v1.UserService/ListUsers";

let open: OpenServer;
const at = (): string => open.server.http;
const userOf = (name: string) => {
  const user = open.server.users.find(({ username }) => username === name);
  if (user === undefined) throw new Error(`there is no ${name}`);
  return user;
};

before(async () => {
  // Access tokens of four seconds: pages live through several of them.
  open = await openServer({ command: "dev", config: "auth: { jwt: { access_lifetime: 4s } }" });
});
after(() => closeServer(open));

async function call(
  path: string,
  { cookie, csrf }: { cookie: string; csrf: string },
  more: Record<string, string> = {},
) {
  return ask(at(), path, { headers: { ...ownPage, cookie, "x-csrf-token": csrf, ...more }, body: {} });
}

describe("logging in to the admin UI", () => {
  test("staff comes in, with a cookie that no script can read, and acts under its own name", async () => {
    const answer = await ask(at(), "/admin/session", { headers: ownPage, body: userOf("sam") });
    assert.equal(answer.status, 200);
    assert.match(
      answer.headers["set-cookie"]?.[0] ?? "",
      /^countersign_admin=[\w-]+; Path=\/admin; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    assert.deepEqual(Object.keys(answer.json()), ["csrf_token"], "no token of ours is told to the page");
    const session = { cookie: cookieOf(answer), csrf: String(answer.json()["csrf_token"]) };
    const who = await call(whoAmI, session);
    assert.deepEqual([who.status, who.json()["user_id"]], [200, "2"]);
  });

  test("whoever is not staff is refused, and no session is left behind", async () => {
    const answer = await ask(at(), "/admin/session", { headers: ownPage, body: userOf("alice") });
    assert.deepEqual(
      [answer.status, answer.json()["message"], answer.headers["set-cookie"]],
      [403, "Staff access required", undefined],
    );
    const { sessions = [] } = await open.administrator.call("/auth.v1.AuthService/ListSessions", {
      user_id: "3",
    });
    assert.deepEqual(sessions, []);
  });

  test("a wrong password says what every login says", async () => {
    const wrong = { username: "admin", password: "not the password" };
    const answer = await ask(at(), "/admin/session", { headers: ownPage, body: wrong });
    assert.deepEqual([answer.status, answer.json()["reason"]], [401, "LOGIN_FAILED"]);
  });

  test("no session is no error to ask about, and every RPC is refused", async () => {
    const asked = await ask(at(), "/admin/session", { headers: ownPage });
    assert.deepEqual([asked.status, asked.body], [204, ""]);
    const answer = await call(whoAmI, { cookie: "countersign_admin=AAAA", csrf: "x" });
    assert.deepEqual([answer.status, answer.json()["reason"]], [401, "CREDENTIALS_MISSING"]);
  });
});

describe("forged requests", () => {
  test("CSRF: without the token, with another login's, from another site, with no origin at all", async () => {
    const session = await logInAs(at(), userOf("admin"));
    const other = await logInAs(at(), userOf("admin"));
    assert.equal((await call(listUsers, session)).status, 200);
    const { cookie, csrf } = session;
    const attempts: readonly Record<string, string>[] = [
      { ...ownPage, cookie },
      { ...ownPage, cookie, "x-csrf-token": other.csrf },
      { cookie, "x-csrf-token": csrf },
      { cookie, "x-csrf-token": csrf, "sec-fetch-site": "same-site" },
      { cookie, "x-csrf-token": csrf, "sec-fetch-site": "cross-site" },
      { cookie, "x-csrf-token": csrf, "sec-fetch-site": "none" },
      { cookie, "x-csrf-token": csrf, origin: "http://evil.example" },
      { cookie, "x-csrf-token": csrf, origin: "null" },
      {
        cookie,
        "x-csrf-token": csrf,
        ...ownPage,
        origin: "http://evil.example",
        "sec-fetch-site": "cross-site",
      },
    ];
    for (const headers of attempts) {
      const answer = await ask(at(), listUsers, { headers, body: {} });
      assert.equal(answer.status, 403, JSON.stringify(Object.keys(headers)));
    }
    const byOrigin = { cookie, "x-csrf-token": csrf, origin: `http://${at()}` };
    assert.equal(
      (await ask(at(), listUsers, { headers: byOrigin, body: {} })).status,
      200,
      "an older browser",
    );
  });

  test("login CSRF: nobody is logged in from another site", async () => {
    for (const headers of [{}, { origin: "http://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
      const answer = await ask(at(), "/admin/session", { headers, body: userOf("admin") });
      assert.deepEqual([answer.status, answer.headers["set-cookie"]], [403, undefined]);
    }
  });

  test("the cookie is worth nothing elsewhere, and what a page sends besides is not read", async () => {
    const session = await logInAs(at(), userOf("sam"));
    const elsewhere = await ask(at(), "/auth.v1.AuthService/WhoAmI", {
      headers: { ...ownPage, cookie: session.cookie, "x-csrf-token": session.csrf },
      body: {},
    });
    assert.equal(elsewhere.status, 401);
    const both = await call(whoAmI, session, { "x-api-key": open.server.apiKey, authorization: "Bearer x" });
    assert.deepEqual([both.status, both.json()["user_id"]], [200, "2"]);
  });
});

describe("a session of the admin UI", () => {
  test("outlives its access tokens, with many requests at a time, and keeps its token against forged requests", async () => {
    let session = await logInAs(at(), userOf("admin"));
    const first = session.cookie;
    await until(10_000, "a renewal", async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => call(whoAmI, session)));
      for (const answer of answers) assert.equal(answer.status, 200, answer.body);
      const renewed = answers.map(cookieOf).filter((cookie) => cookie !== "");
      if (renewed[0] === undefined) return false;
      session = { ...session, cookie: renewed[0] };
      return true;
    });
    assert.notEqual(session.cookie, first);
    assert.equal((await call(whoAmI, session)).status, 200);
  });

  test("REGRESSION: many questions on one connection leave nothing behind on it", async () => {
    const { cookie } = await logInAs(at(), userOf("admin"));
    for (let times = 0; times < 15; times++)
      assert.equal((await ask(at(), "/admin/session", { headers: { ...ownPage, cookie } })).status, 200);
    assert.doesNotMatch(open.server.stderr(), /MaxListenersExceededWarning/);
  });

  test("ends when it is logged out, for whoever has copied the cookie too", async () => {
    const session = await logInAs(at(), userOf("admin"));
    const out = await ask(at(), "/admin/session", {
      method: "DELETE",
      headers: { ...ownPage, cookie: session.cookie, "x-csrf-token": session.csrf },
    });
    assert.equal(out.status, 204, out.body);
    assert.match(out.headers["set-cookie"]?.[0] ?? "", /Max-Age=0/);
    const after = await call(whoAmI, session);
    assert.deepEqual([after.status, after.json()["code"]], [401, "unauthenticated"]);
    const page = await ask(at(), "/admin/session", { headers: { ...ownPage, cookie: session.cookie } });
    assert.equal(page.status, 401);
  });

  test("ends when its user is disabled or is no longer staff", async () => {
    const id = await open.administrator.createUser("tom");
    const password = "a password that is long enough";
    await open.administrator.call("/auth.v1.UserService/UpdateUser", { id, is_staff: true });
    await open.administrator.call("/auth.v1.UserService/SetPassword", { id, password });
    const session = await logInAs(at(), { username: "tom", password });
    await open.administrator.call("/auth.v1.UserService/UpdateUser", { id, is_staff: false });
    const demoted = await ask(at(), "/admin/session", { headers: { ...ownPage, cookie: session.cookie } });
    assert.equal(demoted.status, 403);
    await open.administrator.call("/auth.v1.UserService/DisableUser", { id });
    assert.equal((await call(whoAmI, session)).status, 401);
  });
});

describe("calls that are tried out", () => {
  const tried = "/admin/try/auth.v1.AuthService/WhoAmI";

  test("are made with the credential that was given, and never with the session's", async () => {
    const session = await logInAs(at(), userOf("admin"));
    const { key } = await open.administrator.createKey("3", "tried");
    const withKey = await call(tried, session, { "x-try-credential": `api_key ${key}` });
    assert.deepEqual([withKey.status, withKey.json()["user_id"]], [200, "3"]);
    const { access_token: token } = (await ask(at(), "/auth/token", { body: userOf("sam") })).json();
    const withToken = await call(tried, session, { "x-try-credential": `token ${String(token)}` });
    assert.deepEqual([withToken.status, withToken.json()["user_id"]], [200, "2"]);
    for (const [more, message] of [
      [{}, "Authentication required"],
      [{ authorization: `Bearer ${String(token)}`, "x-api-key": key }, "Authentication required"],
      [{ "x-try-credential": `api_key ${key}x` }, "API key invalid"],
      [{ "x-try-credential": "token x" }, "Token invalid"],
    ] as const) {
      const answer = await call(tried, session, more);
      assert.deepEqual([answer.status, answer.json()["message"]], [401, message]);
      // One that is due is renewed by whatever call comes.
      assert.doesNotMatch(answer.headers["set-cookie"]?.[0] ?? "", /Max-Age=0/, "the session goes on");
    }
    assert.equal((await call(whoAmI, session)).status, 200, "the session goes on");
  });

  test("carry no header but a credential's", async () => {
    const session = await logInAs(at(), userOf("admin"));
    for (const credential of [
      "x-forwarded-for 1.2.3.4",
      "cookie a=b",
      "__proto__ x",
      "api_key",
      "x-api-key: k",
    ])
      assert.equal((await call(tried, session, { "x-try-credential": credential })).status, 400, credential);
  });

  test("need a session, and come from its own page", async () => {
    const session = await logInAs(at(), userOf("admin"));
    const key = { "x-try-credential": `api_key ${open.server.apiKey}` };
    const without = await ask(at(), tried, { headers: { ...ownPage, ...key }, body: {} });
    const foreign = await ask(at(), tried, {
      headers: { ...ownPage, ...key, cookie: session.cookie },
      body: {},
    });
    assert.deepEqual([without.status, foreign.status], [401, 403]);
  });
});

describe("a list that is saved as a file", () => {
  type Session = Awaited<ReturnType<typeof logInAs>>;
  const grant = (name: string, filter: object, { cookie, csrf }: Session) =>
    ask(at(), `/admin/export/${name}`, {
      headers: { ...ownPage, cookie, "x-csrf-token": csrf },
      body: filter,
    });
  const granted = async (...given: Parameters<typeof grant>): Promise<string> => {
    const answer = await grant(...given);
    assert.equal(answer.status, 200, answer.body);
    return String(answer.json()["path"]);
  };

  test("comes as CSV in which nothing is a formula, by the filter, with a renewed session, and is logged", async () => {
    const agent = '=HYPERLINK("http://evil.example")';
    await ask(at(), "/auth.v1.AuthService/WhoAmI", { headers: { "user-agent": agent }, body: {} });
    const session = await logInAs(at(), userOf("admin"));
    const path = await granted("requests", { reason: "CREDENTIALS_MISSING" }, session);
    await until(10_000, "the call in the file", async () => {
      const file = await ask(at(), path, { headers: { ...ownPage, cookie: session.cookie } });
      assert.equal(file.headers["content-type"], "text/csv; charset=utf-8");
      assert.match(
        String(file.headers["content-disposition"]),
        /^attachment; filename="requests-[\d-]+\.csv"$/,
      );
      assert.match(file.headers["set-cookie"]?.[0] ?? "", /^countersign_admin=/);
      return file.body.includes(`"'=HYPERLINK(""http://evil.example"")"`) && !file.body.includes(",OK,");
    });
    const audit = await granted("audit", { text: "user.created" }, session);
    const file = await ask(at(), audit, { headers: { ...ownPage, cookie: session.cookie } });
    assert.match(file.body, /^sequence,.*\r\n/);
    const id = String(file.headers["x-request-id"]);
    await until(10_000, "the download in the log", async () => {
      const list = "/admin/rpc/auth.v1.LogService/ListRequests";
      const headers = { ...ownPage, cookie: session.cookie, "x-csrf-token": session.csrf };
      const found = await ask(at(), list, { headers, body: { filter: { text: id } } });
      return found.body.includes("AuditService/ExportAudit");
    });
  });

  test("CSRF: is given to the session that asked for it, on its own page, and to nobody else", async () => {
    const [admin, sam] = [await logInAs(at(), userOf("admin")), await logInAs(at(), userOf("sam"))];
    const path = await granted("requests", {}, admin);
    const download = async (headers: Record<string, string>) => (await ask(at(), path, { headers })).status;
    assert.equal(await download({ ...ownPage, cookie: sam.cookie }), 404);
    assert.equal(await download(ownPage), 401);
    for (const site of ["cross-site", "same-site", "none"])
      assert.equal(await download({ "sec-fetch-site": site, cookie: admin.cookie }), 403, site);
    assert.equal(await download({ cookie: admin.cookie }), 200, "a browser that says nothing of where");
    assert.equal((await grant("requests", {}, { ...admin, csrf: sam.csrf })).status, 403);
    const denied = await grant("requests", {}, sam);
    assert.deepEqual([denied.status, denied.json()["reason"]], [403, "PERMISSION_DENIED"]);
  });
});

describe("the pages", () => {
  test("come with a policy that runs nothing but their own files, in no frame", async () => {
    const page = await ask(at(), "/admin/");
    const policy = String(page.headers["content-security-policy"]);
    assert.equal(page.status, 200);
    assert.doesNotMatch(policy, /unsafe|data:|\*/);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
      assert.ok(policy.includes(part), part);
    assert.doesNotMatch(page.body, /<script(?![^>]*src=)|<style|style=|onload=/);
    assert.deepEqual(
      [page.headers["x-content-type-options"], page.headers["cache-control"]],
      ["nosniff", "no-cache"],
    );
  });

  test("a first view loads at most 200 kB of script", async () => {
    const { body } = await ask(at(), "/admin/");
    const scripts = [...body.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, path = ""]) => path);
    const files = await Promise.all(scripts.map((path) => ask(at(), path)));
    const sizes = files.map((file) => gzipSync(file.body, { level: 9 }).length);
    assert.ok(scripts.length > 0);
    assert.ok(sizes.reduce((all, size) => all + size, 0) <= 200_000, sizes.join(" + "));
  });

  test("files are kept for ever, paths of the UI are the page, and nothing else is a file", async () => {
    const { body } = await ask(at(), "/admin/");
    const script = /src="([^"]+\.js)"/.exec(body)?.[1] ?? "";
    const file = await ask(at(), script, { headers: { "accept-encoding": "br" } });
    assert.deepEqual(
      [file.status, file.headers["content-type"], file.headers["content-encoding"]],
      [200, "text/javascript; charset=utf-8", "br"],
    );
    assert.match(String(file.headers["cache-control"]), /immutable/);
    assert.equal((await ask(at(), "/admin/users/7?x=1")).body, body);
    assert.equal((await ask(at(), "/admin")).headers["location"], "/admin/");
    for (const path of [
      "/admin/package.json",
      "/admin/../package.json",
      "/admin/%2e%2e/package.json",
      "/admin/assets/x.js",
    ])
      assert.equal((await ask(at(), path)).status, 404, path);
    assert.equal((await ask(at(), "/admin/", { method: "POST" })).status, 405);
  });
});
