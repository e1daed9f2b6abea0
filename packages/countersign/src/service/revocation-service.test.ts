import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import { allow } from "../core/decision.ts";
import { fakeCall, principal } from "../core/fakes.suite.ts";
import { createRevocationFeed } from "../core/revocation-feed.ts";
import { RevocationService } from "../gen/auth/v1/revocations_pb.ts";
import { createMemoryStore } from "../store/memory.ts";
import { userWithKey } from "../store/suite/store-case.suite.ts";
import { createRevocationService } from "./revocation-service.ts";

// What follows the log: watch-revocations.test.ts.

const { reportUsage } = RevocationService.method;

async function open() {
  const store = createMemoryStore();
  await userWithKey(store);
  const service = createRevocationService({
    feed: createRevocationFeed(),
    log: store.revocations,
    roles: { load: () => [] },
    users: { load: () => undefined },
    apiKeys: store.apiKeys,
  });
  const report = async (request: MessageInitShape<typeof reportUsage.input>, userId = "1"): Promise<void> => {
    const context = new CallContext(fakeCall("/"), allow(principal({ userId }), "fake"), undefined);
    const keys = [{ keyId: "k1", calls: 3n, lastUsedMs: 1n }];
    await service.reportUsage(create(reportUsage.input, { keys, ...request }), context);
  };
  const total = async () => (await store.apiKeys.load("k1"))?.totalRequests;
  return { report, total };
}

describe("ReportUsage", () => {
  it("counts a report once, however often it comes, and every one without a writer", async () => {
    const { report, total } = await open();
    for (const [request, expected] of [
      [{ writer: "guard", number: 1n }, 3],
      [{ writer: "guard", number: 1n }, 3],
      [{ writer: "guard", number: 2n }, 6],
      [{ writer: "guard", number: 1n }, 6],
      [{ writer: "other", number: 1n }, 9],
      [{}, 12],
      [{}, 15],
    ] as const) {
      await report(request);
      assert.equal(await total(), expected);
    }
  });

  it("takes nobody's report for another caller's", async () => {
    const { report, total } = await open();
    await report({ writer: "guard", number: 9n }, "1");
    await report({ writer: "guard", number: 1n }, "2");
    assert.equal(await total(), 6);
  });

  it("says what is wrong with one, and counts nothing of it", async () => {
    const { report, total } = await open();
    for (const [request, field] of [
      [{ writer: "a/b", number: 1n }, "writer"],
      [{ writer: "x".repeat(65), number: 1n }, "writer"],
      [{ writer: "guard" }, "number"],
      [{ writer: "guard", number: -1n }, "number"],
      [{ writer: "guard", number: 2n ** 53n }, "number"],
    ] as const) {
      await assert.rejects(report(request), (error: unknown) => {
        assert.ok(error instanceof CallError);
        assert.deepEqual([error.status, error.violations[0]?.field], ["INVALID_ARGUMENT", field]);
        return true;
      });
    }
    assert.equal(await total(), 0);
  });
});
