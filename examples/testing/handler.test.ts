import assert from "node:assert/strict";
import test from "node:test";
import { create } from "@bufbuild/protobuf";
import { currentCall } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import { MockContext } from "countersign/testing";
import { UpdateProfileRequestSchema, type UserService } from "../gen/api/users/users_pb.ts";

type Handlers = ServiceHandlers<typeof UserService>;

// What is to be tested: a handler, with no server and no rule around it.
const updateProfile: Handlers["updateProfile"] = ({ bio }, context) => {
  const caller = context.requirePermission("profile:write");
  return { bio, requestedBy: caller.username ?? "" };
};

test("a handler is called as somebody", async () => {
  const request = create(UpdateProfileRequestSchema, { bio: "hello" });
  const ada = new MockContext({ user: { username: "ada", permissions: ["profile:write"] } });
  assert.deepEqual(await updateProfile(request, ada), { bio: "hello", requestedBy: "ada" });

  const bob = new MockContext({ user: { id: "2", username: "bob" } });
  assert.throws(() => updateProfile(request, bob), { message: "Permission 'profile:write' required" });
  assert.throws(() => updateProfile(request, new MockContext()), { message: "Authentication required" });
});

test("what asks for the current call finds it", () => {
  const context = new MockContext({ user: { id: "7" }, headers: { "x-request-id": "abc" } });
  assert.equal(
    context.run(() => currentCall()?.userId),
    "7",
  );
});
