import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import {
  bad,
  type DevServer,
  good,
  json,
  type KeyJson,
  run,
  scratchFolder,
  startServer,
  until,
} from "./program.ts";

const secret = (): string => randomBytes(32).toString("base64");

interface Secrets {
  readonly master: string;
  readonly previousMaster?: string;
  readonly pepper: string;
  readonly pepperId?: string;
  readonly previousPepper?: { readonly id: string; readonly pepper: string };
}

/** A folder with a configuration that names its secrets, each in a file. */
function configure(
  folder: string,
  { master, previousMaster, pepper, pepperId = "p1", previousPepper }: Secrets,
): void {
  const files = {
    master,
    pepper,
    "previous-master": previousMaster,
    "previous-pepper": previousPepper?.pepper,
  };
  for (const [name, value] of Object.entries(files))
    if (value !== undefined) writeFileSync(join(folder, name), value, { mode: 0o600 });
  const config = {
    master_key: { file: "master" },
    previous_master_keys: previousMaster === undefined ? [] : [{ file: "previous-master" }],
    auth: {
      api_keys: {
        pepper: { file: "pepper" },
        pepper_id: pepperId,
        previous_peppers:
          previousPepper === undefined
            ? []
            : [{ id: previousPepper.id, pepper: { file: "previous-pepper" } }],
      },
    },
  };
  writeFileSync(join(folder, "countersign.yaml"), JSON.stringify(config));
}

async function call<T>(server: DevServer, path: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://${server.http}/auth.v1.${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as T };
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

interface Status {
  readonly peppers: readonly { readonly id: string; readonly role: string; readonly keys: number }[];
  readonly master_key: { readonly since: string | null; readonly previous_needed: number };
}

test("the pepper is changed: keys go over as they are used, and one that is needed cannot be dropped", async () => {
  const folder = scratchFolder();
  const options = { folder };
  const [master, old, fresh] = [secret(), secret(), secret()];
  configure(folder, { master, pepper: old });
  await good(["users", "create", "ada", "--superuser"], options);
  const make = (name: string) =>
    json<{ key: string; api_key: KeyJson }>(["keys", "create", "--user", "ada", "--name", name], options);
  const [used, unused] = [await make("used"), await make("unused")];
  const first = await startServer(["serve", "--json"], folder);
  await first.stop();
  // Another secret under the same id is no change of it.
  configure(folder, { master, pepper: fresh });
  assert.match(
    await bad(1, ["serve"], options),
    /the pepper "p1" is another one than the 2 keys under it were made with/,
  );
  configure(folder, { master, pepper: fresh, pepperId: "p2" });
  assert.match(
    await bad(1, ["serve"], options),
    /2 keys need the pepper "p1", which is not configured: put it into/,
  );
  assert.match(
    (await run(["doctor"], options)).stdout,
    /^fail {2}kept under +auth\.api_keys: 2 keys need the pepper "p1"/m,
  );
  configure(folder, { master, pepper: fresh, pepperId: "p2", previousPepper: { id: "p1", pepper: old } });
  const server = await startServer(["serve", "--json"], folder);
  try {
    const asked = await call(server, "AuthService/WhoAmI", {}, { "x-api-key": used.key });
    assert.equal(asked.status, 200, asked.text);
    const status = () => json<Status>(["secrets", "status"], options);
    await until(
      20_000,
      "the key that was used is under the new pepper",
      async () => (await status()).peppers[0]?.keys === 1,
    );
    assert.deepEqual((await status()).peppers, [
      { id: "p2", role: "current", keys: 1 },
      { id: "p1", role: "previous", keys: 1 },
    ]);
    assert.match(await good(["secrets", "status"], options), /^1 of 2 keys under the current pepper$/m);
    const left = await json<{ keys: readonly { id: string }[] }>(["secrets", "status", "--left"], options);
    assert.deepEqual(
      left.keys.map(({ id }) => id),
      [unused.api_key.id],
    );
    await good(["keys", "revoke", unused.api_key.id], options);
  } finally {
    await server.stop();
  }
  configure(folder, { master, pepper: fresh, pepperId: "p2" });
  const last = await startServer(["serve", "--json"], folder);
  try {
    assert.equal((await call(last, "AuthService/WhoAmI", {}, { "x-api-key": used.key })).status, 200);
    const made = await make("new");
    assert.equal((await call(last, "AuthService/WhoAmI", {}, { "x-api-key": made.key })).status, 200);
  } finally {
    await last.stop();
  }
});

test("the master key is changed: sessions and second factors go on, and the old one is no longer needed", async () => {
  const folder = scratchFolder();
  const options = { folder };
  const [old, fresh, pepper] = [secret(), secret(), secret()];
  configure(folder, { master: old, pepper });
  await good(["users", "create", "ada", "--superuser", "--password-stdin"], {
    folder,
    input: "correct horse battery",
  });
  const login = { username: "ada", password: "correct horse battery" };
  const first = await startServer(["serve", "--json"], folder);
  const { body: before } = await call<Tokens>(first, "AuthService/Login", login);
  const { body: enrolled } = await call<{ secret: string }>(
    first,
    "AuthService/EnrollTotp",
    { password: login.password },
    { authorization: `Bearer ${before.access_token}` },
  );
  await first.stop();
  assert.ok(enrolled.secret, JSON.stringify(enrolled));
  configure(folder, { master: fresh, pepper });
  assert.match(
    await bad(1, ["serve"], options),
    /^countersign: master_key is not the one that this database is kept under/,
  );
  assert.match(
    await bad(1, ["secrets", "rotate-master-key"], options),
    /2 secrets were sealed under a master key that is not configured/,
  );
  configure(folder, { master: fresh, previousMaster: old, pepper });
  const server = await startServer(["serve", "--json"], folder);
  try {
    const renewed = await call<Tokens>(server, "AuthService/RefreshToken", {
      refresh_token: before.refresh_token,
    });
    assert.equal(renewed.status, 200, renewed.text);
    assert.equal((await json<Status>(["secrets", "status"], options)).master_key.previous_needed, 1);
    const rotated = await json<{ resealed: number }>(["secrets", "rotate-master-key"], options);
    assert.equal(rotated.resealed, 2);
    assert.equal((await json<Status>(["secrets", "status"], options)).master_key.previous_needed, 0);
    const again = await json<{ resealed: number; already_current: number }>(
      ["secrets", "rotate-master-key"],
      options,
    );
    assert.deepEqual([again.resealed, again.already_current], [0, 2]);
    // The server signs with a key that it read before.
    const more = await call<Tokens>(server, "AuthService/RefreshToken", {
      refresh_token: renewed.body.refresh_token,
    });
    assert.equal(more.status, 200, more.text);
    await server.stop();
    configure(folder, { master: fresh, pepper });
    const last = await startServer(["serve", "--json"], folder);
    try {
      const whoAmI = (token: string) =>
        call(last, "AuthService/WhoAmI", {}, { authorization: `Bearer ${token}` });
      assert.equal((await whoAmI(before.access_token)).status, 200, "the signing key is the same");
      const goesOn = await call<Tokens>(last, "AuthService/RefreshToken", {
        refresh_token: more.body.refresh_token,
      });
      assert.equal(goesOn.status, 200, goesOn.text);
    } finally {
      await last.stop();
    }
  } finally {
    await server.stop();
  }
  configure(folder, { master: old, pepper });
  assert.match(await bad(1, ["serve"], options), /master_key is not the one/);
  // Lost: whoever gives up what it sealed can go on.
  configure(folder, { master: secret(), pepper });
  const lost = await json<{ abandoned: number }>(["secrets", "rotate-master-key", "--abandon"], options);
  assert.equal(lost.abandoned, 2);
  assert.match(
    await bad(1, ["serve"], options),
    /begin anew: countersign keys signing rotate --remove-others/,
  );
  const database = new DatabaseSync(join(folder, ".countersign/countersign.db"), { readOnly: true });
  const [row] = database
    .prepare("select details from audit_log where action = 'secrets.master_key_rotated'")
    .all();
  assert.deepEqual(JSON.parse(String(row?.["details"])), { resealed: "2", abandoned: "0" });
  assert.equal(database.prepare("select * from totp").all().length, 0);
  database.close();
});
