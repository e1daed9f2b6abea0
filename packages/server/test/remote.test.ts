import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { UserService as DemoUserService } from "../src/gen/api/users/users_pb.ts";
import {
  bad,
  type DevServer,
  type ErrorJson,
  good,
  json,
  type KeyJson,
  run,
  scratchFolder,
  startDev,
  startServer,
  type UserJson,
  until,
} from "./program.ts";

const folder = scratchFolder();
/** Where no store is: what happens here happens on the server. */
const elsewhere = scratchFolder();
let server: DevServer;
let token = "";

before(async () => {
  server = await startDev(folder);
  token = (await good(["tokens", "mint", "--user", "admin"], { folder })).trim();
});
after(() => server.stop());

const asAdmin = () => ({ folder: elsewhere, env: { COUNTERSIGN_TOKEN: token } });
const remote = (...args: readonly string[]): readonly string[] => [...args, "--server", server.grpc];

/** The status of `UpdateProfile`, which needs a user. */
function call(key: string): Promise<number> {
  const client = new Client(server.grpc, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } =
    serviceDefinition(DemoUserService)["updateProfile"] ?? assert.fail();
  const metadata = new Metadata();
  metadata.set("x-api-key", key);
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { bio: "x" }, metadata, (error) => {
      client.close();
      resolve(error?.code ?? 0);
    });
  });
}

test("a running server refuses within a second what was revoked or disabled beside it", async () => {
  assert.equal(await call(server.apiKey), 0);
  const id = server.apiKey.split("_")[2] ?? "";
  await good(["keys", "revoke", id, "--reason", "test"], { folder });
  await until(1000, "the refusal of a revoked key", async () => (await call(server.apiKey)) === 16);
  const key = (await good(["keys", "create", "--user", "sam", "--name", "new"], { folder })).trim();
  assert.equal(await call(key), 0);
  await good(["users", "disable", "sam"], { folder });
  await until(1000, "the refusal of a disabled user", async () => (await call(key)) === 16);
  await good(["users", "enable", "sam"], { folder });
  await until(1000, "the return of an enabled user", async () => (await call(key)) === 0);
});

test("the same commands by gRPC", async () => {
  const { user } = await json<{ user: UserJson }>(
    remote("users", "create", "remy", "--email", "remy@example.com"),
    asAdmin(),
  );
  assert.equal(user.is_staff, false);
  assert.match(
    await good(remote("users", "list", "--query", "remy"), asAdmin()),
    new RegExp(`\n${user.id} +remy +remy@example.com +active`),
  );
  assert.match(await good(remote("users", "update", "remy", "--staff"), asAdmin()), /staff +yes\n/);
  assert.match(
    await good(remote("users", "set-password", "remy"), { ...asAdmin(), input: "a password that is long" }),
    /has a new password/,
  );
  const made = await json<{ api_key: KeyJson; key: string }>(
    remote("keys", "create", "--user", "remy", "--name", "r", "--expires", "4d"),
    asAdmin(),
  );
  assert.equal(await call(made.key), 0);
  assert.match(
    await good(remote("keys", "list", "--user", "remy"), asAdmin()),
    new RegExp(`${made.api_key.id} +r +service +remy`),
  );
  assert.match(await good(remote("keys", "show", made.api_key.id), asAdmin()), /status +active\n/);
  await good(remote("keys", "revoke", made.api_key.id), asAdmin());
  assert.equal(await call(made.key), 16, "an answer means that the server refuses already");
  assert.match(await good(remote("users", "disable", "remy"), asAdmin()), /^Disabled remy/);
  assert.match(await good(remote("users", "enable", "remy"), asAdmin()), /^Enabled remy/);
  assert.match(await good(remote("users", "delete", user.id, "--yes"), asAdmin()), /^Deleted remy/);
  const gone = JSON.parse(
    await bad(1, remote("users", "show", "remy", "-o", "json"), asAdmin()),
  ) as ErrorJson;
  assert.equal(gone.error.status, "NOT_FOUND");
});

test("a caller's own key, from a file", async () => {
  const file = join(elsewhere, "credential");
  const key = (
    await good(
      [
        "keys",
        "create",
        "--user",
        "alice",
        "--name",
        "own",
        "--scope",
        "auth.keys:write",
        "--scope",
        "auth.keys:read",
      ],
      { folder },
    )
  ).trim();
  writeFileSync(file, `${key}\n`);
  const at = { folder: elsewhere };
  const made = await json<{ api_key: KeyJson }>(
    remote("keys", "create", "--name", "child", "--scope", "auth.keys:read", "--credential-file", file),
    at,
  );
  assert.equal(made.api_key.user.username, "alice");
  writeFileSync(file, `${token}\n`);
  await good(remote("users", "list", "--credential-file", file), at);
  writeFileSync(file, "kl\u00fc\n");
  const line = await bad(1, remote("users", "list", "--credential-file", file), at);
  assert.match(line, /holds no API key and no token/);
  assert.ok(!line.includes("kl\u00fc"));
});

test("what a server refuses is told with status, reason and fields", async () => {
  const anonymous = { folder: elsewhere };
  assert.match(
    await bad(1, remote("users", "list"), anonymous),
    /Authentication required; set COUNTERSIGN_API_KEY or COUNTERSIGN_TOKEN, .* \(UNAUTHENTICATED, CREDENTIALS_MISSING\)$/,
  );
  const asAlice = {
    folder: elsewhere,
    env: { COUNTERSIGN_TOKEN: (await good(["tokens", "mint", "--user", "alice"], { folder })).trim() },
  };
  const denied = JSON.parse(await bad(1, remote("users", "list", "-o", "json"), asAlice)) as ErrorJson;
  assert.deepEqual([denied.error.status, denied.error.reason], ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
  const wrong = JSON.parse(
    await bad(2, remote("users", "create", "a b", "-o", "json"), asAdmin()),
  ) as ErrorJson;
  assert.deepEqual([wrong.error.status, wrong.error.violations[0]?.field], ["INVALID_ARGUMENT", "username"]);
  const both = { folder: elsewhere, env: { COUNTERSIGN_TOKEN: token, COUNTERSIGN_API_KEY: "x" } };
  assert.match(await bad(1, remote("users", "list"), both), /are both set: unset one of them/);
  const nobody = await bad(1, ["users", "list", "--server", "127.0.0.1:1"], asAdmin());
  assert.match(nobody, /127\.0\.0\.1:1: no server answers there without TLS .*\(UNAVAILABLE\)$/);
});

test("a credential leaves this machine by TLS only", async () => {
  const received: Buffer[] = [];
  const listener = createServer((socket) => {
    socket
      .on("error", () => {})
      .on("data", (data) => {
        received.push(data);
        socket.destroy();
      });
  });
  await new Promise<void>((resolve) => listener.listen(0, "0.0.0.0", resolve));
  const { port } = listener.address() as { port: number };
  // An address of this machine that does not look like one.
  const running = run(["users", "list", "--server", `0.0.0.0:${port}`], asAdmin());
  await until(10_000, "a connection", async () => received.length > 0);
  listener.close();
  const { code } = await running;
  assert.equal(code, 1);
  const sent = Buffer.concat(received);
  assert.equal(sent[0], 22, "a TLS handshake");
  assert.ok(!sent.includes("Bearer"));
});

test("by TLS, with an authority of one's own", async () => {
  const secured = scratchFolder();
  for (const name of ["certificate.pem", "key.pem"]) {
    copyFileSync(fileURLToPath(new URL(`tls/${name}`, import.meta.url)), join(secured, name));
  }
  writeFileSync(join(secured, "secret"), "4pF2nPZ0ZAkq7Xy9RkH3sVb8Lm1TgUwC");
  writeFileSync(
    join(secured, "conf.yaml"),
    "data: ./data\nmaster_key: { file: secret }\ngrpc: { tls: { certificate_file: certificate.pem, key_file: key.pem } }\n" +
      "auth: { jwt: { secret: { file: secret } }, api_keys: { pepper: { file: secret } } }\n",
  );
  const config = ["--config", join(secured, "conf.yaml")];
  await good(["users", "create", "root", "--superuser", ...config], { folder: elsewhere });
  const minted = (await good(["tokens", "mint", "--user", "root", ...config], { folder: elsewhere })).trim();
  const serving = await startServer(["serve", "--json", ...config], elsewhere);
  try {
    const { port } = new URL(`http://${serving.grpc}`);
    const caller = { folder: elsewhere, env: { COUNTERSIGN_TOKEN: minted } };
    const args = ["users", "list", "--server", `localhost:${port}`];
    assert.match(await good([...args, "--ca-file", join(secured, "certificate.pem")], caller), /\n1 +root /);
    assert.match(await bad(1, args, caller), /\(UNAVAILABLE\)$/);
  } finally {
    await serving.stop();
  }
});
