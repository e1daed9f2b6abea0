import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { answerOf, framed, openSession, raw, send } from "./clients/raw.ts";
import { answer, bearer, call, http, logIn, newAccount, passes, refusal } from "./door.ts";
import { closeServer, openServer, reopenServer } from "./open-server.ts";
import { methodAt } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

// Guesses are counted before they are looked at, and whoever guesses shuts nobody else out.

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
let aliceKey: string;
before(async () => {
  ({ server, administrator, client } = await openServer());
  aliceKey = server.apiKey;
});
after(() => closeServer({ server, administrator, client }));

const wrong = "this is not the password";
const login = "/auth.v1.AuthService/Login";

/** 30 wrong logins at once, over gRPC and HTTP, by username and by email: how often each reason was told. */
async function flood(username: string, email: string): Promise<Readonly<Record<string, number>>> {
  const reasons = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const name = index % 3 === 0 ? { email } : { username };
      if (index % 2 === 0) return (await refusal(call(client, "Login", { ...name, password: wrong })))[1];
      const { json } = await http(server, login, { body: { ...name, password: wrong } });
      return json["reason"];
    }),
  );
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[String(reason)] = (counts[String(reason)] ?? 0) + 1;
  return counts;
}

describe("30 wrong logins at once", () => {
  it("are looked at twice, whatever the account is called, and the others wait", async () => {
    const { username, email } = await newAccount(administrator);
    const counts = await flood(username, email);
    deepEqual(counts, { LOGIN_FAILED: 2, RATE_LIMITED: 28 });
  });

  it("do not disturb its open sessions, which are renewed meanwhile, nor anyone else's login", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const [counts] = await Promise.all([
      flood(account.username, account.email),
      logIn(client, await newAccount(administrator)),
    ]);
    ok((counts["RATE_LIMITED"] ?? 0) >= 20);
    const { username, password } = account;
    // Not even who knows the password is let in while others guess.
    equal((await refusal(call(client, "Login", { username, password })))[1], "RATE_LIMITED");
    equal(await passes(client, bearer(pair.access_token)), "ok");
    const renewed = await answer(call(client, "RefreshToken", { refresh_token: pair.refresh_token }));
    equal(await passes(client, bearer(String(renewed["access_token"]))), "ok");
    await answer(call(client, "ListSessions", {}, bearer(pair.access_token)));
    // Nor does it keep the owner from changing the password.
    const change = { current_password: password, new_password: "another one that is long" };
    await answer(call(client, "ChangePassword", change, bearer(String(renewed["access_token"]))));
  });

  it("are counted through a restart", async () => {
    const { username, email } = await newAccount(administrator);
    await flood(username, email);
    await flood(username, email);
    ({ server, administrator, client } = await reopenServer({ server, administrator, client }));
    // The window is open: at most the guesses that are left are looked at, and two at once are too many.
    const counts = await flood(username, email);
    ok((counts["LOGIN_FAILED"] ?? 0) <= 1, JSON.stringify(counts));
  });
});

it("says when to try again", async () => {
  const { username, email } = await newAccount(administrator);
  await flood(username, email);
  const { status, headers, json } = await http(server, login, { body: { username, password: wrong } });
  equal(status, 429);
  ok(Number(headers.get("retry-after")) >= 1);
  const types = (json["details"] as readonly { type: string }[]).map(({ type }) => type);
  deepEqual(types, ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"]);
  const session = await openSession(server.grpc);
  const body = framed([methodAt(login).requestSerialize({ username, password: wrong })]);
  const { headers: trailers } = await answerOf(send(session, { path: login, body }));
  session.destroy();
  equal(trailers["grpc-status"], "8");
  const details = Buffer.from(String(trailers["grpc-status-details-bin"]), "base64");
  ok(details.includes("google.rpc.RetryInfo"));
});

it("a right login forgets the wrong ones before it", async () => {
  const account = await newAccount(administrator);
  for (let round = 0; round < 6; round++) {
    equal((await call(client, "Login", { username: account.username, password: wrong })).code, 16);
    await logIn(client, account);
  }
});

it("100 logins waiting do not hold up other calls", async (t) => {
  const other = await raw.connect(server.grpc);
  const header = ["x-api-key", aliceKey] as const;
  let waiting = true;
  const logins = Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      call(client, "Login", { username: `nobody${index}`, password: wrong }),
    ),
  ).finally(() => (waiting = false));
  const times: number[] = [];
  while (waiting) {
    const began = performance.now();
    const procedure = "/api.users.UserService/GetUser";
    const { code } = await other.call({ procedure, requests: [{ user_id: ids.admin }], headers: [header] });
    equal(code, 0);
    times.push(performance.now() - began);
  }
  deepEqual([...new Set((await logins).map(({ code }) => code))], [16]);
  await other.close();
  const sorted = times.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  t.diagnostic(
    `${times.length} calls meanwhile: p50 ${sorted[Math.floor(sorted.length / 2)]} ms, p99 ${p99} ms`,
  );
  ok(times.length > 50);
  ok(p99 < 250, `p99 ${p99} ms`);
});
