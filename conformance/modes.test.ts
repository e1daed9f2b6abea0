import { equal } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Client, ClientKind, Header } from "./clients/client.ts";
import { connectJson } from "./clients/connect.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { type Procedure, procedures } from "./procedures.ts";
import { methodAt } from "./protos.ts";
import { scenarios } from "./scenarios.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { Stage } from "./stage.ts";

// A mode is the rule of RPCs that have none. Every RPC of the program has one, so that `required` and `optional`
// change nothing.

const kinds = [grpcJs, python];
/** Also at the other listener, which has no health of gRPC's. */
const allKinds = [...kinds, connectJson];
const brief = scenarios.filter((scenario) => scenario.brief);

for (const mode of ["required", "optional"] as const) {
  describe(`mode ${mode}`, () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.set({ config: `auth:\n  mode: ${mode}\n` });
    });
    after(() => stage.clear());

    for (const kind of allKinds) {
      it(`gives ${kind.name} what no mode gives`, async () => {
        const client = await kind.connect(stage.server[kind.listener ?? "grpc"]);
        for (const scenario of brief) await stage.check(client, scenario, carriedBy(kind));
        await client.close();
      });
    }
    for (const kind of kinds) {
      it(`answers health checks of ${kind.name}`, () => checkHealth(stage.server, kind));
    }
  });
}

describe("no mode", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  for (const kind of kinds) it(`answers health checks of ${kind.name}`, () => checkHealth(server, kind));
});

describe("mode disabled", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ config: "auth:\n  mode: disabled\n" });
  });
  after(() => server.stop());

  for (const kind of allKinds) {
    it(`asks ${kind.name} for nothing and knows nobody`, async () => {
      const client = await kind.connect(server[kind.listener ?? "grpc"]);
      for (const headers of [[], [["x-api-key", server.apiKey]], [["x-api-key", "nonsense"]]] as const) {
        await checkDisabled(client, carriedBy(kind), headers);
      }
      await client.close();
    });
  }
  for (const kind of kinds) {
    it(`answers health checks of ${kind.name}`, () => checkHealth(server, kind));
  }
});

function carriedBy({ carries = () => true }: ClientKind): readonly Procedure[] {
  return procedures.filter(({ path }) => carries(methodAt(path)));
}

/** Authentication runs nowhere; a handler that needs a user has none, and refuses by itself. */
async function checkDisabled(
  client: Client,
  asked: readonly Procedure[],
  headers: readonly Header[],
): Promise<void> {
  for (const { path, take, requests, caller, changes } of asked) {
    const call = {
      procedure: path,
      requests: requests("never", "3"),
      headers,
      ...(take !== undefined && { take }),
    };
    const { code, reason, answers } = await client.call(call);
    if (changes === undefined) {
      equal(code, 0, path);
      equal(caller(answers[0] ?? {}), "", path);
    } else {
      equal(code, 16, path);
      equal(reason, "CREDENTIALS_MISSING", path);
    }
  }
}

/** With no credential, and with one that is bad: authentication does not run. */
async function checkHealth(server: ServerProcess, kind: (typeof kinds)[number]): Promise<void> {
  const client = await kind.connect(server.grpc);
  for (const headers of [[], [["x-api-key", "nonsense"]]] as const) {
    for (const service of ["", "api.users.UserService", "auth.v1.ApiKeyService"]) {
      const requests = [{ service }];
      const check = await client.call({ procedure: "/grpc.health.v1.Health/Check", requests, headers });
      equal(check.code, 0, check.message);
      equal(check.answers[0]?.["status"], "SERVING");
      const watch = await client.call({
        procedure: "/grpc.health.v1.Health/Watch",
        requests,
        headers,
        take: 1,
      });
      equal(watch.answers[0]?.["status"], "SERVING", watch.message);
    }
  }
  await client.close();
}
