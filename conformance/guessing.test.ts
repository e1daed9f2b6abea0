import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { answerOf, framed, openSession, raw, send } from "./clients/raw.ts";
import { type Account, answer, bearer, call, http, logIn, newAccount, passes, refusal } from "./door.ts";
import { guessedAt, looksWithin } from "./guess-pace.ts";
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

interface Flood {
  /** How many were looked at. The others were told to wait. */
  readonly looked: number;
  /** At most so many may have been, in the time that it took. */
  readonly most: number;
}

/** 30 wrong logins at once, over gRPC and HTTP, by username and by email. */
async function flood({ username, email }: Account): Promise<Flood> {
  const began = performance.now();
  const reasons = await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const name = index % 3 === 0 ? { email } : { username };
      if (index % 2 === 0) return (await refusal(call(client, "Login", { ...name, password: wrong })))[1];
      const { json } = await http(server, login, { body: { ...name, password: wrong } });
      return json["reason"];
    }),
  );
  const most = looksWithin(performance.now() - began);
  const looked = reasons.filter((reason) => reason === "LOGIN_FAILED").length;
  equal(reasons.filter((reason) => reason === "RATE_LIMITED").length, 30 - looked, reasons.join());
  return { looked, most };
}

describe("30 wrong logins at once", () => {
  it("are looked at twice and then after waits, whatever the account is called", async () => {
    const { looked, most } = await flood(await newAccount(administrator));
    ok(looked >= 2 && looked <= most, `${looked} of ${most}`);
  });

  it("do not disturb its open sessions, which are renewed meanwhile, nor anyone else's login", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    await Promise.all([flood(account), logIn(client, await newAccount(administrator))]);
    await guessedAt(server.data, account.id);
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
    const account = await newAccount(administrator);
    const began = performance.now();
    const { looked } = await flood(account);
    ({ server, administrator, client } = await reopenServer({ server, administrator, client }));
    const { looked: later } = await flood(account);
    const most = looksWithin(performance.now() - began);
    ok(looked + later <= most, `${looked} and ${later} of ${most}`);
    // The window is open: nothing more is looked at until guesses leave it.
    await guessedAt(server.data, account.id);
    ({ server, administrator, client } = await reopenServer({ server, administrator, client }));
    equal((await flood(account)).looked, 0);
  });
});

it("says when to try again", async () => {
  const { username, id } = await newAccount(administrator);
  await guessedAt(server.data, id);
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
  const start = performance.now();
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
  const took = performance.now() - start;
  deepEqual([...new Set((await logins).map(({ code }) => code))], [16]);
  await other.close();
  const sorted = times.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  t.diagnostic(
    `${times.length} calls meanwhile: p50 ${sorted[Math.floor(sorted.length / 2)]} ms, p99 ${p99} ms`,
  );
  ok(times.length > 50);
  // On a machine of any speed: one that waited for them would take as long as all of them.
  ok(p99 < took / 10, `p99 ${p99} ms, while logins took ${took} ms`);
});
