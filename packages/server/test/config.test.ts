import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bad, type ErrorJson, good, json, run, scratchFolder } from "./program.ts";

interface Checked {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly config: {
    readonly environment: string;
    readonly auth: { readonly jwt: Record<string, string>; readonly api_keys: Record<string, string> };
  };
}

const random = "vT7q2LkX0cR9sNfB4wYhJ8mZpD3uGeA6";

test("without a file: dev's configuration, complete before its first start", async () => {
  const folder = scratchFolder();
  const checked = await json<Checked>(["config", "check"], { folder });
  assert.deepEqual(
    [checked.ok, checked.config.environment, checked.config.auth.jwt["access_lifetime"]],
    [true, "development", "15m"],
  );
  assert.equal(checked.config.auth.api_keys["pepper"], "made at the first start of countersign dev");
  assert.deepEqual(
    [checked.config.auth.jwt["algorithm"], checked.config.auth.jwt["secret"]],
    ["RS256", undefined],
  );
  await good(["users", "create", "x"], { folder });
  await good(["keys", "create", "--user", "x", "--name", "y"], { folder });
  const text = await good(["config", "check"], { folder });
  assert.match(text, /\n {4}publish_ahead: 10m\n[\s\S]*\n {4}pepper: set\n[\s\S]*\nNo problems\.\n$/);
  const secrets = JSON.parse(
    readFileSync(join(folder, ".countersign/development-secrets.json"), "utf8"),
  ) as Record<string, string>;
  for (const secret of Object.values(secrets)) assert.ok(!text.includes(secret));
});

test("every problem, and no secret", async () => {
  const folder = scratchFolder();
  const env = {
    COUNTERSIGN_JWT_SECRET: "short-secret-value",
    COUNTERSIGN_API_KEY_PEPPER: random,
    COUNTERSIGN_DEVELOPMENT_KEY: "dev-key-value-dev-key-value-dev-key",
    COUNTERSIGN_GRPC_LISTEN: "0.0.0.0:50051",
  };
  writeFileSync(join(folder, "static"), "sk-prod-static-value");
  writeFileSync(
    join(folder, "countersign.yaml"),
    "services: [auth.v1.UserService, no.such.Service]\nauth:\n  mode: disabled\n" +
      "  api_keys: { static: [{ name: s, key: { file: static } }] }\n",
  );
  const ran = await run(["config", "check", "-o", "json"], { folder, env });
  assert.equal(ran.code, 1);
  const { problems, ok } = JSON.parse(ran.stdout) as Checked;
  assert.equal(ok, false);
  for (const pattern of [
    /auth\.jwt\.secret has 18 bytes/,
    /development_key/,
    /acknowledge_insecure/,
    /grpc\.listen 0\.0\.0\.0/,
    /"no\.such\.Service" is not known/,
  ]) {
    assert.ok(
      problems.some((problem) => pattern.test(problem)),
      `${pattern}: ${problems.join("\n")}`,
    );
  }
  const text = await run(["config", "check"], { folder, env });
  assert.equal(text.code, 1);
  assert.match(text.stdout, /\n\d problems:\n {2}\S/);
  for (const secret of ["short-secret-value", random, "dev-key-value", "sk-prod-static"]) {
    assert.ok(!`${ran.stdout}${ran.stderr}${text.stdout}${text.stderr}`.includes(secret), secret);
  }
});

test("rules that contradict each other, TLS that is not there, keys that cannot be loaded", async () => {
  const folder = scratchFolder();
  const check = async (yaml: string): Promise<readonly string[]> => {
    writeFileSync(join(folder, "countersign.yaml"), `environment: development\n${yaml}`);
    const { stdout, stderr } = await run(["config", "check", "-o", "json"], { folder });
    return stdout === ""
      ? [(JSON.parse(stderr) as ErrorJson).error.message]
      : (JSON.parse(stdout) as Checked).problems;
  };
  assert.match(
    (await check("auth: { public_methods: [/api.users.UserService/Chat] }")).join(),
    /^auth: two rules for \/api\.users\.UserService\/Chat: proto and the list of public procedures$/,
  );
  assert.match((await check("auth: { public_methods: [/a.B/C] }")).join(), /a rule, but no RPC: \/a\.B\/C/);
  assert.match(
    (await check("grpc: { tls: { certificate_file: none, key_file: none } }")).join(),
    /^grpc\.tls\.certificate_file .*\/none cannot be read \(ENOENT\)/,
  );
  writeFileSync(join(folder, "pem"), "no key at all, but somebody's secret");
  const [problem = ""] = await check("auth: { jwt: { algorithm: ES256, private_key: { file: pem } } }");
  assert.match(problem, /^auth\.jwt: /);
  assert.ok(!problem.includes("somebody"));
});

test("unknown members and variables are refused by name, by every command", async () => {
  const folder = scratchFolder();
  const env = { COUNTERSIGN_PASWORD: "secret-in-a-variable" };
  for (const args of [
    ["config", "check"],
    ["users", "list"],
  ]) {
    const line = await bad(1, args, { folder, env });
    assert.match(line, /the variable COUNTERSIGN_PASWORD is not known/);
    assert.ok(!line.includes("secret-in-a-variable"));
  }
  writeFileSync(join(folder, "countersign.yaml"), "auth:\n  jwt:\n    secret: written-right-here\n");
  const inline = await bad(1, ["config", "check"], { folder });
  assert.match(inline, /countersign\.yaml: auth\.jwt\.secret: name where the secret is/);
  assert.ok(!inline.includes("written-right-here"));
  writeFileSync(join(folder, "other.yaml"), "grcp: {}\n");
  const told = JSON.parse(
    await bad(1, ["config", "check", "--config", "other.yaml", "-o", "json"], { folder }),
  ) as ErrorJson;
  assert.deepEqual([told.error.status, /grcp/.test(told.error.message)], ["CONFIGURATION", true]);
});

test("as for another environment", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "countersign.yaml"), "environment: development\n");
  assert.equal((await json<Checked>(["config", "check"], { folder })).ok, true);
  const { code, stdout } = await run(["config", "check", "--environment", "production", "-o", "json"], {
    folder,
  });
  assert.equal(code, 1);
  const { config, problems } = JSON.parse(stdout) as Checked;
  assert.equal(config.environment, "production");
  assert.deepEqual(
    problems.map((text) => text.split(" ")[0]),
    ["auth.api_keys.pepper", "master_key"],
  );
});
