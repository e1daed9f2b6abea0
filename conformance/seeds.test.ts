import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync, type Options } from "@grpc/proto-loader";
import { Administrator, ids } from "./cast.ts";
import { bufCurl } from "./clients/buf.ts";
import { pythonStubs, requirePython } from "./clients/python/stubs.ts";
import { until } from "./deadline.ts";
import { protoFolder } from "./protos.ts";
import { scratchFolder } from "./scratch.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// The calls that the seeds themselves make, with the clients that they use.

const run = promisify(execFile);
const developmentKey = "django-insecure-dev-key-0123456789";
const userProto = handedOut();

let server: ServerProcess;
let administrator: Administrator;
before(async () => {
  server = await startServer({ env: { COUNTERSIGN_DEVELOPMENT_KEY: developmentKey } });
  administrator = await Administrator.of(server);
});
after(async () => {
  await administrator.close();
  await server.stop();
});

function tokenOf(userId: string): Promise<string> {
  return sign(developmentSecrets(server.data).jwtSecret, accessClaims(userId));
}

async function linesOf(program: string, args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run(program, [...args], { timeout: 20_000 });
  return stdout.trimEnd().split("\n");
}

describe("seed 000's Python client", () => {
  const client = (key: string): Promise<readonly string[]> =>
    linesOf(requirePython(), [script("seed000_client.py"), pythonStubs(), server.grpc, key]);

  it("calls with a key, and the key's owner is changed", async () => {
    deepEqual(await client(server.apiKey), ["GetUser alice asked by alice", "UpdateProfile alice Hello"]);
    const everyone = (await administrator.everything())["users"] as readonly {
      username: string;
      bio: string;
    }[];
    equal(everyone.find(({ username }) => username === "alice")?.bio, "Hello");
  });

  for (const type of ["service", "cli", "webhook"]) {
    it(`calls with a key of type ${type}`, async () => {
      const request = { user_id: ids.sam, name: `sam's ${type}`, type };
      const { key } = await administrator.call("/auth.v1.ApiKeyService/CreateApiKey", request);
      deepEqual(await client(String(key)), ["GetUser sam asked by sam", "UpdateProfile sam Hello"]);
    });
  }

  it("calls with the development key, as the first superuser", async () => {
    deepEqual(await client(developmentKey), ["GetUser admin asked by admin", "UpdateProfile admin Hello"]);
  });

  it("is counted, and when it called last is known", async () => {
    await until(5000, "the counts to be written", async () => {
      const list = await administrator.call("/auth.v1.ApiKeyService/ListApiKeys", { user_id: ids.sam });
      const keys = list["api_keys"] as readonly { total_requests: string; last_used_at: unknown }[];
      return (
        keys.length === 3 && keys.every((key) => key.total_requests === "2" && key.last_used_at !== null)
      );
    });
  });
});

describe("seed 001's Python client", () => {
  it("calls with a token of its own making, and recognises each refusal", async () => {
    const secret = join(scratchFolder(), "jwt-secret");
    writeFileSync(secret, developmentSecrets(server.data).jwtSecret);
    deepEqual(
      await linesOf(requirePython(), [script("seed001_client.py"), pythonStubs(), server.grpc, secret]),
      [
        "User: admin",
        "Asked by: alice",
        "Authentication required",
        "Token expired - please refresh",
        "You don't have permission for this action",
      ],
    );
  });
});

describe("seed 001's JavaScript client", () => {
  it("calls with a token", async () => {
    // Without keepCase, proto-loader drops `user_id`: the call asks about its caller.
    const client = [script("seed001_client.cjs"), userProto, server.grpc, await tokenOf(ids.alice)];
    deepEqual(await linesOf(process.execPath, client), ["User: alice"]);
  });

  const sameCall: readonly (readonly [string, Options])[] = [
    ["a 64-bit integer as a Long", { keepCase: true }],
    ["a 64-bit integer as a string", { keepCase: true, longs: String }],
    ["a 64-bit integer as a number", { keepCase: true, longs: Number }],
  ];
  for (const [how, options] of sameCall) {
    it(`gets ${how}`, async () => {
      const response = await getUser(options, { user_id: 1 }, await tokenOf(ids.alice));
      equal(response["username"], "admin");
      equal(String(response["id"]), "1");
    });
  }
});

async function getUser(options: Options, request: object, token: string): Promise<Record<string, unknown>> {
  const proto = loadPackageDefinition(loadSync(userProto, options)) as unknown as {
    readonly api: { readonly users: { readonly UserService: ServiceClientConstructor } };
  };
  const client = new proto.api.users.UserService(server.grpc, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.add("authorization", `Bearer ${token}`);
  try {
    return await new Promise((resolve, reject) => {
      const method = client["getUser"] as unknown as GetUser;
      method.call(client, request, metadata, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
  } finally {
    client.close();
  }
}

type GetUser = (
  request: object,
  metadata: Metadata,
  callback: (error: Error | null, response: Record<string, unknown>) => void,
) => void;

describe("buf curl, as grpcurl is called in the seeds", () => {
  const curl = async (path: string, args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await bufCurl([
      "--http2-prior-knowledge",
      ...args,
      `http://${server.grpc}${path}`,
    ]).ended;
    equal(exitCode, 0, stderr);
    return stdout;
  };
  const getUserPath = "/api.users.UserService/GetUser";

  it("calls with a key", async () => {
    const answer = await curl(getUserPath, ["-H", `x-api-key: ${server.apiKey}`, "-d", '{"user_id":"1"}']);
    const { username, requestedBy } = JSON.parse(answer) as Record<string, string>;
    deepEqual([username, requestedBy], ["admin", "alice"]);
  });
  it("calls without a body, which asks about oneself", async () => {
    match(await curl(getUserPath, ["-H", `x-api-key: ${server.apiKey}`]), /"username": "alice"/);
  });
  it("calls with a header in upper case, and an id that is a number", async () => {
    match(
      await curl(getUserPath, ["-H", `X-API-KEY: ${server.apiKey}`, "-d", '{"user_id":1}']),
      /"requestedBy": "alice"/,
    );
  });
  it("calls with a token", async () => {
    const header = `Authorization: Bearer ${await tokenOf(ids.sam)}`;
    match(await curl(getUserPath, ["-H", header, "-d", '{"user_id": 1}']), /"requestedBy": "sam"/);
  });
  it("calls health without a credential", async () => {
    match(await curl("/grpc.health.v1.Health/Check", ["-d", "{}"]), /"status": "SERVING"/);
  });

  for (const protocol of ["grpc-v1", "grpc-v1alpha"]) {
    it(`learns the schema by ${protocol}`, async () => {
      const reflect = ["--reflect-protocol", protocol];
      const services = (await curl("", [...reflect, "--list-services"])).trim().split("\n");
      const expected = [
        "api.users.UserService",
        "auth.v1.ApiKeyService",
        "auth.v1.AuditService",
        "auth.v1.AuthService",
        "auth.v1.LimitService",
        "auth.v1.LogService",
        "auth.v1.PolicyService",
        "auth.v1.RevocationService",
        "auth.v1.RoleService",
        "auth.v1.SigningKeyService",
        "auth.v1.SystemService",
        "auth.v1.TenantService",
        "auth.v1.TokenService",
        "auth.v1.UserService",
        "grpc.health.v1.Health",
      ];
      deepEqual(services, expected);
      const methods = await curl("", [...reflect, "--list-methods"]);
      for (const method of ["api.users.UserService/Chat", "grpc.health.v1.Health/Watch"])
        ok(methods.includes(method));
      match(await curl(getUserPath, [...reflect, "-d", '{"user_id":"2"}']), /"username": "sam"/);
    });
  }
});

/** The proto as it is given to a client: beside what it imports, which proto-loader looks for from there. */
function handedOut(): string {
  const folder = scratchFolder();
  mkdirSync(join(folder, "auth/v1"), { recursive: true });
  copyFileSync(join(protoFolder, "auth/v1/policy.proto"), join(folder, "auth/v1/policy.proto"));
  copyFileSync(join(protoFolder, "api/users/users.proto"), join(folder, "users.proto"));
  return join(folder, "users.proto");
}

function script(name: string): string {
  return fileURLToPath(new URL(`seeds/${name}`, import.meta.url));
}
