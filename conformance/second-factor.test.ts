import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Administrator } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import {
  type Account,
  answer,
  bearer,
  call,
  claimsOf,
  http,
  logIn,
  newAccount,
  type Pair,
  passes,
  refusal,
} from "./door.ts";
import { closeServer, openServer, reopenServer } from "./open-server.ts";
import type { ServerProcess } from "./server-process.ts";
import { codeOf, momentInStep } from "./totp-code.ts";

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  ({ server, administrator, client } = await openServer());
});
after(() => closeServer({ server, administrator, client }));

interface Enrolled {
  readonly account: Account;
  readonly pair: Pair;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** The codes of the two steps after the one that confirmed, of which each is good once. */
  readonly codes: readonly [string, string];
}

async function enrolled(): Promise<Enrolled> {
  const account = await newAccount(administrator);
  const pair = await logIn(client, account);
  const header = bearer(pair.access_token);
  const enrolment = await answer(call(client, "EnrollTotp", { password: account.password }, header));
  const secret = String(enrolment["secret"]);
  match(secret, /^[A-Z2-7]{32}$/);
  match(
    String(enrolment["uri"]),
    new RegExp(`^otpauth://totp/[^?]+:${account.username}\\?secret=${secret}&issuer=`),
  );
  // Nothing asks for it until it is confirmed.
  await logIn(client, account);
  const at = await momentInStep();
  const confirmed = await answer(call(client, "ConfirmTotp", { otp_code: codeOf(secret, -1, at) }, header));
  const recoveryCodes = confirmed["recovery_codes"] as string[];
  equal(new Set(recoveryCodes).size, 10);
  return { account, pair, secret, recoveryCodes, codes: [codeOf(secret, 0, at), codeOf(secret, 1, at)] };
}

const login = ({ username, password }: Account, code = ""): Promise<Outcome> =>
  call(client, "Login", { username, password, otp_code: code });
const reasonOf = async (outcome: Promise<Outcome>): Promise<string | undefined> => {
  const { code, reason } = await outcome;
  return code === 0 ? "ok" : (reason ?? String(code));
};

describe("an account with a second factor", () => {
  it("CVE-2025-6014, CVE-2025-55003: is asked for a code, which is good once, at both doors", async () => {
    const { account, codes } = await enrolled();
    const { username, password } = account;
    const [now, next] = codes;
    equal(await reasonOf(login(account)), "MFA_REQUIRED");
    const body = { username, password, otp_code: now };
    const { status, json } = await http(server, "/auth/token", { body });
    equal(status, 200);
    deepEqual(claimsOf(String(json["access_token"]))["amr"], ["pwd", "otp"]);
    deepEqual(await refusal(login(account, now)), [16, "LOGIN_FAILED", "Invalid credentials"]);
    const { sessions } = await answer(call(client, "ListSessions", {}, bearer(String(json["access_token"]))));
    deepEqual((sessions as [{ methods: string[] }])[0].methods, ["pwd", "otp"]);
    // The step after it is still to come, or just there; whoever's clock is ahead may use it.
    equal(await reasonOf(login(account, next)), "ok");
  });

  it("CVE-2026-16103: has no half of a session: MFA_REQUIRED over HTTP, and only who knows the password", async () => {
    const { account } = await enrolled();
    const { username, password } = account;
    const { status, json } = await http(server, "/api/token/", { body: { username, password } });
    deepEqual([status, json["reason"], json["access_token"]], [401, "MFA_REQUIRED", undefined]);
    const wrong = await http(server, "/api/token/", { body: { username, password: "not the right one" } });
    equal(wrong.json["reason"], "LOGIN_FAILED");
  });

  it("CVE-2026-33473: of parallel logins with one code, admits one", async () => {
    const { account, codes } = await enrolled();
    const reasons = await Promise.all(Array.from({ length: 2 }, () => reasonOf(login(account, codes[0]))));
    deepEqual(reasons.toSorted(), ["LOGIN_FAILED", "ok"]);
  });

  it("refuses a code with a wrong password, without using it up", async () => {
    const { account, codes } = await enrolled();
    const wrong = { ...account, password: "this is not the password" };
    equal(await reasonOf(login(wrong, codes[0])), "LOGIN_FAILED");
    equal(await reasonOf(login(account, codes[0])), "ok");
  });

  it("refuses codes of other times and what is no code", async () => {
    for (const wrong of ["000000", "12345", "abcdef"]) {
      const { account, secret } = await enrolled();
      equal(await reasonOf(login(account, codeOf(secret, 4))), "LOGIN_FAILED");
      equal(await reasonOf(login(account, wrong)), "LOGIN_FAILED");
    }
  });

  it("takes a recovery code once, however it is written", async () => {
    const { account, recoveryCodes } = await enrolled();
    const [first = "", second = ""] = recoveryCodes;
    match(first, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
    equal(await reasonOf(login(account, first)), "ok");
    equal(await reasonOf(login(account, first)), "LOGIN_FAILED");
    equal(await reasonOf(login(account, second.toUpperCase().replaceAll("-", " "))), "ok");
  });

  it("of parallel logins with one recovery code, admits one; another account's is no use", async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    const [code = ""] = one.recoveryCodes;
    equal(await reasonOf(login(other.account, code)), "LOGIN_FAILED");
    const reasons = await Promise.all([code, code].map((each) => reasonOf(login(one.account, each))));
    deepEqual(reasons.toSorted(), ["LOGIN_FAILED", "ok"]);
  });

  it("keeps its factor through a restart, sealed in the database", async () => {
    const { account, codes } = await enrolled();
    ({ server, administrator, client } = await reopenServer({ server, administrator, client }));
    equal(await reasonOf(login(account)), "MFA_REQUIRED");
    equal(await reasonOf(login(account, codes[0])), "ok");
  });
});

describe("enrolment", () => {
  it("needs the password and a right first code", async () => {
    const account = await newAccount(administrator);
    const { access_token: token } = await logIn(client, account);
    const own = (name: string, request: object) =>
      refusal(call(client, name, request as Record<string, unknown>, bearer(token)));
    equal((await own("EnrollTotp", { password: "this is not the password" }))[1], "LOGIN_FAILED");
    deepEqual((await own("EnrollTotp", {})).slice(0, 1), [3]);
    const first = await answer(call(client, "EnrollTotp", { password: account.password }, bearer(token)));
    const [code, , message] = await own("ConfirmTotp", { otp_code: codeOf(String(first["secret"]), 5) });
    equal(code, 3);
    match(message, /not right/);
    equal(await reasonOf(login(account)), "ok");
  });

  it("cannot be confirmed before it has begun", async () => {
    const { access_token: token } = await logIn(client, await newAccount(administrator));
    const outcome = call(client, "ConfirmTotp", { otp_code: "123456" }, bearer(token));
    equal((await outcome).code, 9);
  });

  it("guesses at the first code are limited", async () => {
    const account = await newAccount(administrator);
    const { access_token: token } = await logIn(client, account);
    await answer(call(client, "EnrollTotp", { password: account.password }, bearer(token)));
    const guesses = Array.from({ length: 20 }, (_, guess) =>
      reasonOf(call(client, "ConfirmTotp", { otp_code: String(guess).padStart(6, "0") }, bearer(token))),
    );
    const reasons = await Promise.all(guesses);
    ok(reasons.filter((reason) => reason === "RATE_LIMITED").length >= 10, reasons.join());
  });

  it("is refused where a factor is on, until it is taken off with password and code", async () => {
    const { account, pair, codes } = await enrolled();
    const { password } = account;
    const own = (name: string, request: object) =>
      refusal(call(client, name, request as Record<string, unknown>, bearer(pair.access_token)));
    const [code, , message] = await own("EnrollTotp", { password });
    deepEqual([code, message], [9, "The second factor is on already"]);
    equal((await own("DisableTotp", { password }))[1], "MFA_REQUIRED");
    equal((await own("DisableTotp", { password, otp_code: codes[0] }))[0], 0);
    equal(await reasonOf(login(account)), "ok");
    equal((await own("DisableTotp", { password }))[0], 9);
  });
});

describe("a second factor that is lost", () => {
  let boss: Account;
  let token: string;
  before(async () => {
    boss = await newAccount(administrator);
    await administrator.call("/auth.v1.UserService/UpdateUser", { id: boss.id, is_superuser: true });
    token = (await logIn(client, boss)).access_token;
  });
  const reset = async (id: string): Promise<readonly [number, string]> => {
    const { status, json } = await http(server, "/auth.v1.UserService/ResetSecondFactor", {
      body: { id },
      token,
    });
    return [status, String(json["message"])];
  };

  it("is taken off by an administrator: sessions end, the password alone lets in, and another can be enrolled", async () => {
    const { account, pair, recoveryCodes } = await enrolled();
    const shown = () => administrator.call("/auth.v1.UserService/GetUser", { id: account.id });
    equal((await shown())["has_second_factor"], true);
    equal((await reset(account.id))[0], 200);
    equal((await shown())["has_second_factor"], false);
    equal(await passes(client, bearer(pair.access_token)), "TOKEN_REVOKED");
    const { access_token: token } = await logIn(client, account);
    const again = { password: account.password };
    const enrolment = await answer(call(client, "EnrollTotp", again, bearer(token)));
    const code = { otp_code: codeOf(String(enrolment["secret"]), 0) };
    await answer(call(client, "ConfirmTotp", code, bearer(token)));
    equal(await reasonOf(login(account)), "MFA_REQUIRED");
    equal(await reasonOf(login(account, recoveryCodes[0])), "LOGIN_FAILED");
  });

  it("is none that was never on, and nobody takes off their own so: a stolen session must not", async () => {
    const account = await newAccount(administrator);
    deepEqual(await reset(account.id), [400, "No second factor is on"]);
    deepEqual(await reset(boss.id), [400, "Turn your own off with DisableTotp, which asks for the password"]);
  });
});

describe("changing the password", () => {
  const fresh = "a new and longer password";

  it("ends other sessions and keeps this one", async () => {
    const account = await newAccount(administrator);
    const [pair, other] = [await logIn(client, account), await logIn(client, account)];
    const request = { current_password: account.password, new_password: fresh };
    await answer(call(client, "ChangePassword", request, bearer(pair.access_token)));
    equal(await passes(client, bearer(pair.access_token)), "ok");
    await answer(call(client, "RefreshToken", { refresh_token: pair.refresh_token }));
    equal(await passes(client, bearer(other.access_token)), "TOKEN_REVOKED");
    equal(
      await reasonOf(call(client, "RefreshToken", { refresh_token: other.refresh_token })),
      "TOKEN_REVOKED",
    );
    equal(await reasonOf(login(account)), "LOGIN_FAILED");
    equal(await reasonOf(login({ ...account, password: fresh })), "ok");
  });

  it("needs the current one, a good new one, and the second factor", async () => {
    const { account, pair, codes } = await enrolled();
    const change = (request: object) =>
      refusal(call(client, "ChangePassword", request as Record<string, unknown>, bearer(pair.access_token)));
    const current = { current_password: account.password };
    const [code, , message] = await change({ ...current, new_password: "short" });
    equal(code, 3);
    match(message, /^new_password: /);
    equal((await change({ new_password: fresh }))[2], "current_password: is missing");
    equal(
      (await change({ current_password: "this is not the password", new_password: fresh }))[1],
      "LOGIN_FAILED",
    );
    equal((await change({ ...current, new_password: fresh, otp_code: codes[0] }))[0], 0);
    notEqual(await reasonOf(login(account, codes[1])), "ok");
  });
});

it("a key cannot do any of these", async () => {
  const account = await newAccount(administrator);
  const { key } = await administrator.createKey(account.id, "a key");
  const { key: scoped } = await administrator.createKey("1", "an administrator's", [
    "auth.sessions:write",
    "auth.users:write",
  ]);
  const password = { password: account.password };
  const requests = {
    EnrollTotp: password,
    ConfirmTotp: { otp_code: "123456" },
    DisableTotp: password,
    ChangePassword: { current_password: account.password, new_password: "another long password" },
    LogoutAll: {},
  };
  for (const credential of [key, scoped]) {
    const header: Header = ["x-api-key", credential];
    for (const [name, request] of Object.entries(requests)) {
      deepEqual(
        (await refusal(call(client, name, request, header))).slice(0, 2),
        [7, "PERMISSION_DENIED"],
        name,
      );
      const headers = { "x-api-key": credential };
      equal((await http(server, `/auth.v1.AuthService/${name}`, { body: request, headers })).status, 403);
    }
  }
  await logIn(client, account);
});
