import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallContext } from "../context/call-context.ts";
import type { EndedCall } from "../core/followed-call.ts";
import { isStaff } from "../core/guards.ts";
import type { Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { doorNames, type Echo, kindsOf, type Line, repeating, startEcho, until } from "./echo.suite.ts";

const counts = { unary: [1, 1], upload: [3, 1], download: [1, 3], chat: [3, 3] } as const;

function start(ended: EndedCall<Principal>[], rule: Rule<Principal> = "authenticated"): Promise<Echo> {
  const handlers = {
    ...repeating,
    read: () => {
      throw new Refusal("MFA_REQUIRED");
    },
    async *download({ say }: Line, { call, principal }: CallContext) {
      for (const letter of say) {
        yield { say: letter, saidBy: principal?.userId };
        if (say === "hang") await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      }
    },
  };
  return startEcho({ rule, handlers, auth: { onCallEnd: (call) => void ended.push(call) } });
}

describe("a call of Connect's that is over", () => {
  for (const door of doorNames) {
    it(`is told once, with its messages and its reason: ${door}`, async () => {
      const ended: EndedCall<Principal>[] = [];
      await using server = await start(ended, isStaff);
      for (const kind of kindsOf(door)) {
        ended.length = 0;
        const id = `my-own-id-${kind}`;
        const given = { texts: kind === "download" ? ["abc"] : ["a", "b", "c"] };
        const good = await server.call(door, kind, { "x-user": "staff", "x-request-id": id }, given);
        const bad = await server.call(door, kind, { "x-user": "bob" }, given);
        await until(() => ended.length === 2);
        assert.deepEqual([good.code, bad.code], [0, 7]);
        const [received, sent] = counts[kind];
        const [first, second] = ended;
        assert.deepEqual(
          ended.map(({ code, reason, received: r, sent: s }) => [code, reason, r, s]),
          [
            [0, undefined, received, sent],
            [7, "PERMISSION_DENIED", 0, 0],
          ],
        );
        assert.equal(first?.requestId, id);
        assert.equal(second?.subject?.userId, "bob");
        assert.equal(bad.metadata.get("x-request-id"), second?.requestId);
        assert.match(second?.peerAddress ?? "", /127\.0\.0\.1:\d+$/);
      }
      ended.length = 0;
      assert.equal((await server.call(door, "read", { "x-user": "staff" })).code, 16);
      await until(() => ended.length === 1);
      assert.deepEqual([ended[0]?.code, ended[0]?.reason], [16, "MFA_REQUIRED"]);
    });
  }

  it("that cannot be read has the status that Connect gives by itself, and its id comes back", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended);
    const response = await fetch(`${server.http}/t.Echo/Unary`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-user": "ann", "x-request-id": "my-own-request" },
      body: "{",
    });
    assert.equal(response.status, 400);
    assert.equal(response.headers.get("x-request-id"), "my-own-request");
    await until(() => ended.length === 1);
    assert.deepEqual([ended[0]?.code, ended[0]?.requestId], [3, "my-own-request"]);
  });

  it("was left by its caller", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended);
    const leaving = new AbortController();
    await server.call(
      "gRPC",
      "download",
      { "x-user": "ann" },
      { texts: ["hang"], signal: leaving.signal, onLine: () => leaving.abort() },
    );
    await until(() => ended.length === 1);
    assert.deepEqual([ended[0]?.code, ended[0]?.reason, ended[0]?.received], [1, undefined, 1]);
  });
});
