import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { RevocationEvent } from "../core/revocation.ts";
import { RevocationSchema, UserChangedSchema } from "../gen/auth/v1/revocations_pb.ts";
import { revocationMessage, revocationOf } from "./revocation-message.ts";

const text = fc.string({ unit: "grapheme" });
const instant = fc.double({ min: 0, max: 2 ** 40, noNaN: true, noDefaultInfinity: true });
const event: fc.Arbitrary<RevocationEvent> = fc.oneof(
  fc.record({ kind: fc.constant("token" as const), issuer: text, jti: text, expiresAt: instant }),
  fc.record({ kind: fc.constant("session" as const), sessionId: text, expiresAt: instant }),
  fc.record({
    kind: fc.constant("key" as const),
    keyId: text,
    state: fc.constantFrom("revoked" as const, "changed" as const),
  }),
  fc.record({
    kind: fc.constant("user" as const),
    userId: text,
    state: fc.constantFrom("disabled", "deleted", "enabled", "changed" as const),
  }),
  fc.record({
    kind: fc.constant("issued-before" as const),
    userId: text,
    before: instant,
    expiresAt: instant,
    sparesSessions: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("signing-key" as const), kid: text, expiresAt: instant }),
  fc.constant({ kind: "roles" as const }),
);

describe("an entry of the log", () => {
  it("arrives as it was sent, whatever is in it", () => {
    fc.assert(
      fc.property(event, (sent) => {
        const bytes = toBinary(RevocationSchema, revocationMessage(sent));
        assert.deepEqual(revocationOf(fromBinary(RevocationSchema, bytes)), { ...sent });
      }),
    );
  });

  it("of a newer server is not taken for anything", () => {
    assert.equal(revocationOf(create(RevocationSchema)), undefined);
    const value = create(UserChangedSchema, { userId: "1", state: "suspended" });
    assert.equal(revocationOf(create(RevocationSchema, { entry: { case: "user", value } })), undefined);
  });
});
