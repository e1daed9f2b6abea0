import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allow, anonymous } from "../core/decision.ts";
import { fakeCall, principal } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { CallContext } from "./call-context.ts";

function refused(message: string): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.message === message;
}

describe("what a handler may ask about roles", () => {
  it("is answered by the roles as they are now", async () => {
    const source = {
      now: [
        { name: "lead", permissions: ["!orders:delete"], inherits: ["support"] },
        { name: "support", permissions: ["orders:*"], inherits: [] as string[] },
      ],
      load: () => source.now,
    };
    const directory = await createRoleDirectory({ source });
    const caller = principal({ roles: ["lead"], permissions: directory.permissionsOf(["lead"]) });
    const context = new CallContext(fakeCall("/"), allow(caller, "fake"), undefined);
    assert.equal(context.requireRole("support"), caller);
    assert.deepEqual([context.checkRole("lead"), context.checkRole("other")], [true, false]);
    assert.deepEqual(
      [context.checkPermission("orders:read"), context.checkPermission("orders:delete")],
      [true, false],
    );
    assert.deepEqual(context.permissions(), ["orders:*", "!orders:delete"]);
    assert.throws(() => context.requireRole("other"), refused("Role 'other' required"));
    assert.throws(() => context.requireRole("other", "Leads only"), refused("Leads only"));
    assert.throws(
      () => context.requirePermission("orders:delete"),
      refused("Permission 'orders:delete' required"),
    );
    source.now = [{ name: "lead", permissions: [], inherits: [] }];
    await directory.reload();
    assert.deepEqual([context.checkRole("support"), context.permissions()], [false, []]);
  });

  it("is no for an anonymous call", () => {
    const context = new CallContext(fakeCall("/"), anonymous, undefined);
    assert.deepEqual([context.checkRole("lead"), context.permissions()], [false, []]);
    assert.throws(() => context.requireRole("lead"), refused("Authentication required"));
  });
});
