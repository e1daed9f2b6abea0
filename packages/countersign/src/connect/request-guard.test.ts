import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { allOf, type Guard } from "../core/guard.ts";
import { isStaff } from "../core/guards.ts";
import { policyFor, type Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import { type Door, doorNames, echo, type Line, repeating, startEcho } from "./echo.suite.ts";

const saysOwnName: Guard<Principal> = withRequest(
  async (user: Principal, { say }: Line) => {
    if (say === "slow") await turn();
    return say === user.userId;
  },
  { denialMessage: "Say your own name" },
);

const p = policyFor<Principal>();
const asking = ["unary", "download", "read"] as const;

/** The rule where there is one request; the streams of requests are for anybody who is known. */
function policyOf(rule: Rule<Principal>, streams: Rule<Principal> = "authenticated") {
  return [p.rules(echo, { unary: rule, download: rule, read: rule, upload: streams, chat: streams })];
}

async function start(rule: Rule<Principal>, onDecision?: (text: string) => void) {
  const ran: string[] = [];
  const handlers = {
    ...repeating,
    unary: (line: Line, context: object) => {
      ran.push("unary");
      return repeating.unary(line, context);
    },
    read: (line: Line, context: object) => {
      ran.push("read");
      return repeating.read(line, context);
    },
    download(line: Line, context: object) {
      ran.push("download");
      return repeating.download(line, context);
    },
  };
  const server = await startEcho({
    handlers,
    auth: {
      policy: policyOf(rule),
      onDecision: (decision) => onDecision?.(decision.ok ? "allowed" : decision.denial.reason),
    },
  });
  return Object.assign(server, { ran });
}

for (const door of doorNames) {
  it(`${door}: the request decides, before the handler`, async () => {
    await using server = await start(saysOwnName);
    for (const kind of asking) {
      for (const say of ["bob", "slow"]) {
        const refused = await server.call(door, kind, { "x-user": "ada" }, { texts: [say] });
        assert.deepEqual(
          [refused.code, refused.message, refused.reason, refused.says],
          [7, "Say your own name", "PERMISSION_DENIED", []],
          kind,
        );
      }
      assert.deepEqual(server.ran, [], kind);
      const allowed = await server.call(door, kind, { "x-user": "ada" }, { texts: ["ada"] });
      assert.deepEqual([allowed.code, allowed.says[0]], [0, kind === "download" ? "a ada" : "ada ada"], kind);
      assert.equal((await server.call(door, kind, {}, { texts: ["ada"] })).code, 16);
      assert.deepEqual(server.ran.splice(0), [kind]);
    }
    assert.deepEqual(server.failures, []);
  });
}

const some: readonly Door[] = ["Connect JSON", "gRPC-Web"];

it("what the headers refuse is never asked about, and what a guard throws is nobody's business", async () => {
  let asked = 0;
  const throwing: Guard<Principal> = withRequest(() => {
    asked += 1;
    throw new Error("secret");
  });
  await using server = await start(allOf(throwing, isStaff));
  for (const door of some) {
    for (const kind of asking) {
      assert.equal((await server.call(door, kind, { "x-user": "ada" })).message, "Staff access required");
      assert.equal(asked, 0);
      const failed = await server.call(door, kind, { "x-user": "staff" });
      assert.deepEqual([failed.code, failed.reason], [14, "UNAVAILABLE"]);
      assert.equal(asked, 1);
      asked = 0;
    }
  }
  assert.deepEqual(server.ran, []);
});

it("each call is one decision, told once", async () => {
  const told: string[] = [];
  await using server = await start(saysOwnName, (text) => told.push(text));
  for (const door of some) {
    for (const kind of asking) {
      await server.call(door, kind, { "x-user": "ada" }, { texts: ["ada"] });
      await server.call(door, kind, { "x-user": "ada" }, { texts: ["bob"] });
      assert.deepEqual(told.splice(0), ["allowed", "PERMISSION_DENIED"], `${door} ${kind}`);
    }
  }
});

it("a stream of requests cannot have such a rule: the routes are refused at the start", async () => {
  await assert.rejects(
    startEcho({ auth: { policy: policyOf("authenticated", saysOwnName) } }),
    /\/t\.Echo\/Upload, \/t\.Echo\/Chat names the request.*a stream/,
  );
});

it("a stream of answers ends when its request would be refused now", async () => {
  let own = true;
  const rule = withRequest<Principal, Line>((user, { say }) => own && say === user.userId);
  await using server = await startEcho({
    auth: { policy: policyOf(rule) },
    handlers: {
      ...repeating,
      async *download({ say }: Line) {
        yield { say };
        await new Promise(() => {});
      },
    },
  });
  for (const door of some) {
    own = true;
    const outcome = await server.call(
      door,
      "download",
      { "x-user": "ada" },
      {
        texts: ["ada"],
        onLine: () => {
          own = false;
          server.revocations.apply({ kind: "roles" });
        },
      },
    );
    assert.deepEqual([outcome.code, outcome.reason], [7, "PERMISSION_DENIED"], door);
  }
});
