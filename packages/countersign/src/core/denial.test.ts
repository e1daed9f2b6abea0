import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callStatus, invalidArgument } from "./call-error.ts";
import { denial, type Reason, statusOf } from "./denial.ts";

/** As the design's table has them. */
const expected: Record<Reason, [grpc: number, http: number, message: string]> = {
  CREDENTIALS_MISSING: [16, 401, "Authentication required"],
  CREDENTIALS_MALFORMED: [16, 401, "Credentials malformed"],
  CREDENTIALS_AMBIGUOUS: [16, 401, "More than one credential"],
  TOKEN_INVALID: [16, 401, "Token invalid"],
  TOKEN_EXPIRED: [16, 401, "Token expired"],
  TOKEN_REVOKED: [16, 401, "Token revoked"],
  API_KEY_INVALID: [16, 401, "API key invalid"],
  API_KEY_EXPIRED: [16, 401, "API key expired"],
  API_KEY_REVOKED: [16, 401, "API key revoked"],
  API_KEY_DISABLED: [16, 401, "API key disabled"],
  USER_DISABLED: [16, 401, "User disabled"],
  LOGIN_FAILED: [16, 401, "Invalid credentials"],
  MFA_REQUIRED: [16, 401, "Second factor required"],
  PERMISSION_DENIED: [7, 403, "Permission denied"],
  RATE_LIMITED: [8, 429, "Rate limit exceeded"],
  QUOTA_EXCEEDED: [8, 429, "Quota exceeded"],
  UNAVAILABLE: [14, 503, "Authentication temporarily unavailable"],
};

describe("denials", () => {
  it("have the status and the message that the design says, and there is no other reason", () => {
    const actual = Object.entries(statusOf).map(([reason, { grpc, http, message }]) => [
      reason,
      [grpc, http, message],
    ]);
    assert.deepEqual(Object.fromEntries(actual), expected);
  });

  it('say "expired" only of what is expired', () => {
    for (const [reason, { message }] of Object.entries(statusOf)) {
      assert.equal(/expired/i.test(message), reason.endsWith("_EXPIRED"), reason);
    }
  });

  it("are frozen, and have their reason's message unless told otherwise", () => {
    assert.deepEqual(
      { ...denial("TOKEN_INVALID") },
      { reason: "TOKEN_INVALID", message: "Token invalid", challenges: [] },
    );
    assert.equal(
      denial("PERMISSION_DENIED", { message: "Staff access required" }).message,
      "Staff access required",
    );
    assert.ok(Object.isFrozen(denial("TOKEN_INVALID")));
    assert.ok(Object.isFrozen(statusOf));
  });
});

describe("call errors", () => {
  it("have the numbers of grpc's own table", () => {
    const numbers = Object.fromEntries(Object.entries(callStatus).map(([name, { grpc }]) => [name, grpc]));
    assert.deepEqual(numbers, {
      CANCELLED: 1,
      INVALID_ARGUMENT: 3,
      NOT_FOUND: 5,
      ALREADY_EXISTS: 6,
      RESOURCE_EXHAUSTED: 8,
      FAILED_PRECONDITION: 9,
      ABORTED: 10,
      UNIMPLEMENTED: 12,
      INTERNAL: 13,
      UNAVAILABLE: 14,
    });
  });

  it("name each wrong field", () => {
    const error = invalidArgument(
      { field: "name", description: "is empty" },
      { field: "type", description: "is unknown" },
    );
    assert.equal(error.message, "name: is empty; type: is unknown");
    assert.equal(error.violations.length, 2);
  });
});
