import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Administrator, assemble, type Cast } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { clientKinds } from "./clients.ts";
import { type Procedure, procedures } from "./procedures.ts";
import type { Json } from "./protos.ts";
import { expectationOf, type Scenario, scenarios } from "./scenarios.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// DESIGN's table "What each situation gives": every credential, every kind of RPC, every client.

let server: ServerProcess;
let administrator: Administrator;
let cast: Cast;
let victim = "";
let marks = 0;

before(async () => {
  server = await startServer();
  administrator = await Administrator.of(server);
  cast = await assemble(server, administrator);
  victim = await administrator.createUser("victim-0");
});

after(async () => {
  await administrator.close();
  await server.stop();
});

for (const kind of clientKinds) {
  describe(`what each situation gives to ${kind.name}`, () => {
    let client: Client;
    before(async () => {
      client = await kind.connect(server.grpc);
    });
    after(() => client.close());

    for (const scenario of scenarios) {
      if (scenario.takes !== undefined && !kind.abilities.includes(scenario.takes)) continue;
      if (kind.slow && !scenario.brief) continue;
      const tried = kind.slow ? procedures.filter(({ path }) => /UpdateProfile|DeleteUser|Chat/.test(path)) : procedures;
      it(scenario.name, async () => {
        for (const procedure of tried) await check(client, scenario, procedure);
      });
    }
  });
}

/** One call: its outcome is the one that the table names, and nothing else has changed than what it may change. */
async function check(client: Client, scenario: Scenario, procedure: Procedure): Promise<void> {
  const { path, take, changes } = procedure;
  const expected = expectationOf(scenario.gives, procedure);
  const mark = `mark ${++marks}`;
  const before = await administrator.everything();
  const requests = procedure.requests(mark, victim);
  const headers = await scenario.headers(cast);
  const outcome = await client.call({ procedure: path, requests, headers, ...(take !== undefined && { take }) });
  const after = await administrator.everything();
  if (expected.allowed === undefined) {
    const { code, message, reason, domain, answers } = outcome;
    const { allowed: _none, ...refusal } = expected;
    deepEqual({ code, message, reason, domain, answers }, { ...refusal, domain: "countersign", answers: [] }, path);
    deepEqual(after, before, `${path} was refused, and changed something`);
    return;
  }
  equal(outcome.code, 0, `${path}: ${outcome.message}`);
  const named = procedure.caller(outcome.answers[0] ?? {});
  if (named !== undefined) equal(named, expected.allowed.name, path);
  if (changes === undefined) deepEqual(after, before, `${path} changed something`);
  else await changed(changes, after, expected.allowed.name, mark);
}

async function changed(what: "bio" | "victim", everything: Json, caller: string, mark: string): Promise<void> {
  const users = everything["users"] as readonly Json[];
  if (what === "bio") {
    equal(users.find(({ username }) => username === caller)?.["bio"], mark);
    return;
  }
  ok(!users.some(({ id }) => id === victim), "the account is still there");
  victim = await administrator.createUser(`victim-${marks}`);
}
