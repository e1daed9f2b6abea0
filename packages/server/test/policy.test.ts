import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { ApiKeyService, UserService } from "countersign/service";
import { createMemoryStore } from "countersign/store/memory";
import { pino } from "pino";
import { loadConfig } from "../src/config/config.ts";
import { policyInForce } from "../src/policy/policy-in-force.ts";
import { bad, type DevServer, json, run, scratchFolder, startServer, until } from "./program.ts";

interface Checked {
  readonly ok: boolean;
  readonly missing: readonly string[];
  readonly rules: readonly {
    readonly procedure: string;
    readonly rule: string;
    readonly source: string;
    readonly origin?: string;
  }[];
}

/** Writes the files of a service's proto and of all that it imports, as a compiler would. */
function writeDescriptors(path: string, change: (file: FileDescriptorProto) => void = () => {}): void {
  const files = new Map<string, FileDescriptorProto>();
  const collect = (file: (typeof UserService)["file"]): void => {
    file.dependencies.forEach(collect);
    const copy = structuredClone(file.proto);
    if (file.name === UserService.file.name) change(copy);
    files.set(file.name, copy);
  };
  collect(UserService.file);
  writeFileSync(
    path,
    toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...files.values()] })),
  );
}

/** `acme.Orders`: `Get` and `Put` of an `Order { int64 user_id = 1; }`, without any rule. */
function writeOrders(path: string): void {
  const method = (name: string) => ({ name, inputType: ".acme.Order", outputType: ".acme.Order" });
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: "acme.proto", package: "acme", syntax: "proto3" },
    messageType: [
      { name: "Order", field: [{ name: "user_id", number: 1, type: 3, label: 1, jsonName: "userId" }] },
    ],
    service: [{ name: "Orders", method: [method("Get"), method("Put")] }],
  });
  writeFileSync(path, toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [file] })));
}

describe("policy check", () => {
  it("lists every RPC with its rule, without a store and without secrets", async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, "countersign.yaml"), "auth: { jwt: { secret: { env: NOT_SET_IN_CI } } }");
    const { ok, rules } = await json<Checked>(["policy", "check"], { folder });
    assert.ok(ok);
    const found = rules.find(({ procedure }) => procedure === "/auth.v1.UserService/CreateUser");
    assert.deepEqual(found, {
      ...{ procedure: "/auth.v1.UserService/CreateUser", rule: "hasPermission(auth.users:write)" },
      ...{ source: "table", origin: "proto" },
    });
  });

  it("finds what has no rule, and a policy file can give it one", async () => {
    const folder = scratchFolder();
    writeOrders(join(folder, "orders.binpb"));
    const config = (more: string): void =>
      writeFileSync(
        join(folder, "countersign.yaml"),
        `environment: development\npolicy: { descriptors: orders.binpb${more} }`,
      );
    const check = async (): Promise<Checked & { readonly code: number | null }> => {
      const { code, stdout, stderr } = await run(["policy", "check", "-o", "json"], { folder });
      assert.notEqual(stdout, "", stderr);
      return { ...(JSON.parse(stdout) as Checked), code };
    };
    config("");
    const hole = await check();
    assert.deepEqual(
      [hole.code, hole.ok, hole.missing],
      [1, false, ["/acme.Orders/Get", "/acme.Orders/Put"]],
    );
    config(", file: policy.yaml, permissions: ['orders:read']");
    const policy = (text: string): void => writeFileSync(join(folder, "policy.yaml"), text);
    policy(
      "rules:\n  /acme.Orders/*: { require: 'orders:read' }\n  /acme.Orders/Put: { condition: principal.user_id == string(request.user_id) }\n",
    );
    const whole = await check();
    assert.deepEqual([whole.code, whole.missing], [0, []]);
    assert.deepEqual(
      whole.rules
        .filter(({ procedure }) => procedure.startsWith("/acme."))
        .map(({ procedure, rule, origin }) => [procedure, rule, origin]),
      [
        ["/acme.Orders/Put", "condition(principal.user_id == string(request.user_id))", "policy.yaml"],
        ["/acme.Orders/Get", "hasPermission(orders:read)", "policy.yaml"],
      ],
    );
    // Every mistake is one line that says what, where and how to mend it.
    const mistakes: readonly [string, RegExp][] = [
      [
        "rules: { /acme.Orders/Gte: open }",
        /a rule, but no RPC: \/acme\.Orders\/Gte \(policy\.yaml\); did you mean "\/acme\.Orders\/Get"\?/,
      ],
      [
        "rules: { /acme.Orders/Get: { require: 'orders:raed' } }",
        /nobody has defined the permission "orders:raed"; did you mean "orders:read"\?/,
      ],
      [
        "rules: { /auth.v1.AuthService/WhoAmI: open }",
        /two rules for \/auth\.v1\.AuthService\/WhoAmI: proto and policy\.yaml/,
      ],
      [
        "rules: { /acme.Orders/Get: { condition: request.usr_id == 1 } }",
        /Get \(policy\.yaml\): the condition Order has no field usr_id/,
      ],
      ["rules: { /acme.Orders/Get: opn }", /"opn" is no rule; did you mean "open"\?/],
      ["rules: { /acme.Orders/Get: open, /acme.Orders/Get: open }", /policy\.yaml: .*unique/i],
      ["rules: [", /policy\.yaml: /],
    ];
    for (const [text, expected] of mistakes) {
      policy(text);
      assert.match(await bad(1, ["policy", "check"], { folder }), expected, text);
    }
    policy("permissions: []");
    writeFileSync(join(folder, "orders.binpb"), "no descriptors");
    assert.match(
      await bad(1, ["policy", "check"], { folder }),
      /holds no descriptors: make it with `buf build/,
    );
  });
});

it("policy diff says which RPCs opened up", async () => {
  const folder = scratchFolder();
  const [old, now] = [join(folder, "old.binpb"), join(folder, "new.binpb")];
  writeDescriptors(old);
  writeDescriptors(now, (file) => {
    const [first] = file.service[0]?.method ?? [];
    if (first !== undefined) delete first.options;
  });
  const same = await run(["policy", "diff", old, old], { folder });
  assert.deepEqual([same.code, same.stdout], [0, "No difference.\n"]);
  const removed = await json<{ readonly differences: readonly object[] }>(["policy", "diff", old, now], {
    folder,
  });
  assert.deepEqual(removed.differences, [
    { procedure: "/auth.v1.UserService/CreateUser", kind: "removed", before: "require(auth.users:write)" },
  ]);
  const yaml = (name: string, rule: string): string => {
    writeFileSync(join(folder, name), `rules: { /a.B/C: ${rule} }`);
    return name;
  };
  const opened = await run(["policy", "diff", yaml("a.yaml", "superuser"), yaml("b.yaml", "staff")], {
    folder,
  });
  assert.equal(opened.code, 1);
  assert.match(opened.stdout, /\/a\.B\/C +opened +superuser +staff/);
  assert.equal((await run(["policy", "diff", "b.yaml", "a.yaml"], { folder })).code, 0);
});

it("policy test compares answers with expected ones", async () => {
  const folder = scratchFolder();
  writeOrders(join(folder, "orders.binpb"));
  writeFileSync(
    join(folder, "countersign.yaml"),
    "environment: development\npolicy: { descriptors: orders.binpb, file: policy.yaml }",
  );
  writeFileSync(
    join(folder, "policy.yaml"),
    "rules: { /acme.Orders/Get: { max_auth_age: 15m, mfa: true }, /acme.Orders/Put: { any_of: [staff, { condition: principal.user_id == string(request.user_id) }] } }",
  );
  const cases = (put: string): string => `
principals: { ann: { user_id: 7, auth_age: 5m, mfa: true }, bob: { user_id: 8, auth_age: 1h, mfa: true }, sam: { staff: true } }
tests:
  - { call: /acme.Orders/Get, expect: { anonymous: CREDENTIALS_MISSING, ann: allowed, bob: PERMISSION_DENIED } }
  - { call: /acme.Orders/Put, request: { user_id: 7 }, expect: { ann: allowed, bob: ${put}, sam: allowed } }
  - { call: /acme.Orders/Put, expect: { ann: request } }
  - { call: /api.users.UserService/GetUser, expect: { anonymous: allowed } }
`;
  writeFileSync(join(folder, "good.yaml"), cases("PERMISSION_DENIED"));
  writeFileSync(join(folder, "bad.yaml"), cases("allowed"));
  const good = await run(["policy", "test", "good.yaml"], { folder });
  assert.deepEqual(
    [good.code, good.stdout.split(";")[0]],
    [0, "8 of 8 as expected"],
    good.stdout + good.stderr,
  );
  const failed = await run(["policy", "test", "bad.yaml"], { folder });
  assert.equal(failed.code, 1);
  assert.match(
    failed.stdout,
    /^not ok {2}\/acme\.Orders\/Put as bob: PERMISSION_DENIED, expected allowed\n7 of 8/,
  );
  for (const [text, expected] of [
    ["tests: [{ call: /a.B/C, expect: {} }]", /there is no RPC \/a\.B\/C/],
    ["tests: [{ call: /acme.Orders/Get, expect: { eve: allowed } }]", /eve is none of the principals/],
    ["tests: [{ call: /acme.Orders/Get, expect: { anonymous: maybe } }]", /one of allowed, request/],
    ["tests: [{ call: /acme.Orders/Put, request: { nam: 1 }, expect: {} }]", /is no Order/],
    ["principals: { anonymous: {} }\ntests: []", /stands for calls without a credential/],
  ] as const) {
    writeFileSync(join(folder, "wrong.yaml"), text);
    assert.match(await bad(1, ["policy", "test", "wrong.yaml"], { folder }), expected);
  }
});

describe("beside a server", () => {
  const folder = scratchFolder();
  let server: DevServer;
  before(async () => {
    writeFileSync(
      join(folder, "countersign.yaml"),
      "environment: development\npolicy: { shadow: candidate.yaml }",
    );
    writeFileSync(
      join(folder, "candidate.yaml"),
      "rules: { /api.users.UserService/UpdateProfile: staff, /api.users.UserService/ListAllUsers: authenticated }",
    );
    server = await startServer(["dev", "--json"], folder);
  });
  after(() => server.stop());

  const asAdmin = async (): Promise<Readonly<Record<string, string>>> => ({
    COUNTERSIGN_TOKEN: (await run(["tokens", "mint", "--user", "admin"], { folder })).stdout.trim(),
  });

  it("explain says which rule decides and what is missing, on the store and on the server alike", async () => {
    const alice = await run(["explain", "alice", "/api.users.UserService/ListAllUsers"], { folder });
    assert.equal(alice.code, 1);
    assert.match(alice.stdout, /from +proto\noutcome +refused: Staff access required \(PERMISSION_DENIED\)/);
    assert.match(
      alice.stdout,
      /refused {2}anyOf\(isStaff, hasPermission\(users:list\)\)\n {2}refused {4}isStaff\n {2}refused {4}hasPermission\(users:list\)\n/,
    );
    const env = await asAdmin();
    const there = await run(
      ["explain", "sam", "api.users.UserService/ListAllUsers", "--server", server.grpc, "-o", "json"],
      { folder, env },
    );
    assert.equal(there.code, 0, there.stderr);
    const { outcome, steps } = JSON.parse(there.stdout) as {
      outcome: string;
      steps: readonly { title: string; verdict: string }[];
    };
    assert.deepEqual(
      [outcome, steps.map(({ title, verdict }) => `${title} ${verdict}`).slice(1)],
      ["allowed", ["isStaff passed", "hasPermission(users:list) refused"]],
    );
    assert.match(
      (await run(["explain", "-", "api.users.UserService/UpdateProfile"], { folder })).stdout,
      /CREDENTIALS_MISSING/,
    );
    assert.match(
      await bad(1, ["explain", "alice", "/api.users.UserService/Nothing"], { folder }),
      /No such RPC/,
    );
    await run(["roles", "create", "lister", "--permission", "users:*"], { folder });
    await run(["users", "create", "rolf"], { folder });
    await run(["roles", "assign", "lister", "--user", "rolf"], { folder });
    const rolf = ["explain", "rolf", "api.users.UserService/ListAllUsers"];
    for (const more of [[], ["--server", server.grpc]])
      assert.match((await run([...rolf, ...more], { folder, env })).stdout, /outcome +allowed/);
    await run(["users", "create", "dora"], { folder });
    await run(["users", "disable", "dora"], { folder });
    assert.match(
      (await run(["explain", "dora", "api.users.UserService/Chat"], { folder })).stdout,
      /User disabled \(USER_DISABLED\)/,
    );
  });

  it("list tells administrators, and nobody else", async () => {
    const there = await json<{
      readonly rules: readonly { readonly procedure: string; readonly origin: string }[];
    }>(["policy", "list", "--server", server.grpc], { folder, env: await asAdmin() });
    const here = await json<typeof there>(["policy", "list"], { folder });
    assert.deepEqual(
      there.rules.map(({ procedure }) => procedure),
      here.rules.map(({ procedure }) => procedure),
    );
    const env = { COUNTERSIGN_API_KEY: server.apiKey };
    assert.match(
      await bad(1, ["policy", "list", "--server", server.grpc], { folder, env }),
      /Permission 'auth\.policy:read' required/,
    );
  });

  it("a candidate policy changes nothing, and shadow says who would break and who would get in", async () => {
    const ask = async (method: string): Promise<number> => {
      const headers = { "content-type": "application/json", "x-api-key": server.apiKey };
      return (
        await fetch(`http://${server.http}/api.users.UserService/${method}`, {
          method: "POST",
          headers,
          body: "{}",
        })
      ).status;
    };
    assert.deepEqual([await ask("UpdateProfile"), await ask("ListAllUsers")], [200, 403]);
    const env = await asAdmin();
    await until(10_000, "both differences", async () => {
      const { code, stdout } = await run(["policy", "shadow", "--server", server.grpc], { folder, env });
      return (
        code === 1 &&
        /UpdateProfile +breaks +1 +PERMISSION_DENIED +3\n/.test(stdout) &&
        /ListAllUsers +opens +1 +PERMISSION_DENIED +3\n/.test(stdout)
      );
    });
    assert.match(await bad(1, ["policy", "shadow"], { folder }), /candidate/);
  });
});

it("descriptors of our own services are not taken for others'", async () => {
  const folder = scratchFolder();
  writeDescriptors(join(folder, "own.binpb"));
  const { rules } = await json<Checked>(["policy", "check", "--descriptors", "own.binpb"], { folder });
  assert.equal(new Set(rules.map(({ procedure }) => procedure)).size, rules.length);
  assert.ok(rules.some(({ procedure }) => procedure.startsWith(`/${ApiKeyService.typeName}/`)));
});

it("a node's rules may ask for what a role grants by its whole name, and for nothing else", async () => {
  const folder = scratchFolder();
  writeOrders(join(folder, "orders.binpb"));
  writeFileSync(join(folder, "policy.yaml"), "rules: { /acme.Orders/*: { require: 'orders:read' } }");
  const file = join(folder, "countersign.yaml");
  writeFileSync(file, "environment: development\npolicy: { descriptors: orders.binpb, file: policy.yaml }");
  const config = loadConfig({ file, withoutSecrets: true, env: {} });
  const store = createMemoryStore();
  const log = pino({ enabled: false });
  const start = () => policyInForce({ config, store, log, observer: () => {} });
  const unknown = /nobody has defined the permission "orders:read"/;
  await assert.rejects(start(), unknown);
  await store.roles.create({ name: "clerk", permissions: ["orders:*", "!orders:read"] }, "test");
  await assert.rejects(start(), unknown);
  await store.roles.create({ name: "reader", permissions: ["orders:read"] }, "test");
  await start();
  assert.match(
    await bad(1, ["policy", "check"], { folder }),
    unknown,
    "what only a store says is not known here",
  );
});
