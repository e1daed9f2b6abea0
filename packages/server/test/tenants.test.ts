import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bad, type DevServer, good, json, scratchFolder, startDev, type UserJson, until } from "./program.ts";

const folder = scratchFolder();
const at = { folder };
let server: DevServer;

before(async () => {
  server = await startDev(folder);
});
after(() => server.stop());

const headers = (credential: Readonly<Record<string, string>>) => ({
  "content-type": "application/json",
  ...credential,
});

/** The reason of a refusal, or `ok`. */
async function ask(
  credential: Readonly<Record<string, string>>,
  procedure = "/auth.v1.AuthService/WhoAmI",
  body = {},
): Promise<string> {
  const answer = await fetch(`http://${server.http}${procedure}`, {
    method: "POST",
    headers: headers(credential),
    body: JSON.stringify(body),
  });
  const { details = [], message } = (await answer.json()) as {
    readonly details?: readonly { readonly debug?: { readonly reason?: string } }[];
    readonly message?: string;
  };
  return answer.ok ? "ok" : (details[0]?.debug?.reason ?? String(message));
}

test("a tenant's users, roles and keys; and all of it refused within a second, beside a running server", async () => {
  assert.match(
    await good(["tenants", "create", "acme", "--name", "Acme Inc."], at),
    /^id +acme\nname +Acme Inc\.\nstatus +active\ncreated +20\S+Z\n/,
  );
  await good(["roles", "create", "lister", "--tenant", "acme", "--permission", "users:list"], at);
  const made = ["users", "create", "ada", "--tenant", "acme", "--role", "acme/lister"];
  const { user } = await json<{ user: UserJson & { tenant: string } }>(made, at);
  assert.deepEqual([user.tenant, user.roles], ["acme", ["acme/lister"]]);
  assert.match(await good(["users", "show", "ada"], at), /\ntenant +acme\n/);
  const [token, key] = await Promise.all([
    good(["tokens", "mint", "--user", "ada"], at),
    json<{ key: string }>(["keys", "create", "--user", "ada", "--name", "k"], at),
  ]);
  const credentials = [{ authorization: `Bearer ${token.trim()}` }, { "x-api-key": key.key }];
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as object;
  assert.deepEqual((claims as { tenant?: string }).tenant, "acme");
  const list = "/api.users.UserService/ListAllUsers";
  for (const credential of credentials) {
    assert.equal(await ask(credential, list), "ok", "the tenant's role counts");
    const answer = await fetch(`http://${server.http}${list}`, {
      ...{ method: "POST", headers: headers(credential), body: "{}" },
    });
    const { users } = (await answer.json()) as { users: readonly UserJson[] };
    assert.deepEqual(
      users.map(({ username }) => username),
      ["ada"],
    );
  }
  const refused = async (reason: string): Promise<boolean> =>
    (await Promise.all(credentials.map((credential) => ask(credential)))).every((one) => one === reason);
  const watching = watch(credentials[0] ?? {});
  assert.match(await good(["tenants", "disable", "acme"], at), /^Disabled acme \(Acme Inc\.\)\.\n$/);
  await until(1000, "the tenant to be refused", () => refused("USER_DISABLED"));
  await watching;
  assert.match(
    await good(["tenants", "list"], at),
    /^ID +NAME +STATUS +CREATED\nacme +Acme Inc\. +disabled +20/,
  );
  await good(["tenants", "enable", "acme"], at);
  await until(1000, "the tenant to be let in", () => refused("ok"));
  assert.match(
    await good(["tenants", "update", "acme", "--name", "Acme"], at),
    /\nname +Acme\nstatus +active/,
  );
  await good(["users", "delete", "ada", "--yes"], at);
  assert.match(await good(["tenants", "delete", "acme"], at), /^Deleted the tenant acme\.\n$/);
  assert.match(await bad(1, ["tenants", "show", "acme"], at), /No such tenant \(NOT_FOUND\)/);
});

/** Resolves when an open stream ends. */
async function watch(credential: Readonly<Record<string, string>>): Promise<void> {
  const envelope = Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]);
  const answer = await fetch(`http://${server.http}/api.users.UserService/WatchUsers`, {
    method: "POST",
    headers: { "content-type": "application/connect+json", ...credential },
    body: envelope,
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  assert.match(text, /unauthenticated/);
}
