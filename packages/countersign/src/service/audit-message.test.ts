import assert from "node:assert/strict";
import { it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CallError } from "../core/call-error.ts";
import { AuditFilterSchema } from "../gen/auth/v1/audit_pb.ts";
import { auditFilter } from "./audit-message.ts";

it("a filter that can find nothing is refused, with all that is wrong with it", () => {
  const [since, until] = [timestampFromMs(2), timestampFromMs(1)];
  const given = create(AuditFilterSchema, { actor: "a".repeat(501), text: "t".repeat(501), since, until });
  assert.throws(
    () => auditFilter(given, { tenantId: undefined }),
    (error) => {
      assert.ok(error instanceof CallError);
      const fields = error.violations.map(({ field }) => field);
      assert.deepEqual(fields, ["filter.actor", "filter.text", "filter.since"]);
      return true;
    },
  );
  const { since: from } = auditFilter(create(AuditFilterSchema, { since, until: since }), {
    tenantId: undefined,
  });
  assert.equal(from?.getTime(), 2);
});
