import assert from "node:assert/strict";
import { it } from "node:test";
import type { ServerDuplexStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { allow } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { hasPermission } from "../core/guards.ts";
import { createRevocations } from "../core/revocation.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { errorInfo, type Message, startEcho, streamed, toMetadata, until } from "./echo.suite.ts";

it("an open stream ends with 7 soon after a role lost what its rule needs, and nobody else's does", async () => {
  const revocations = createRevocations();
  const source = {
    now: [
      { name: "ada", permissions: ["news:*"] },
      { name: "bob", permissions: ["news:read"] },
    ],
    load: () => source.now,
  };
  const roles = await createRoleDirectory({ source, revocations });
  // As an authenticator with a cache does: one principal for all calls, with a set that follows the roles.
  const admitted = new Map(
    ["ada", "bob"].map((name) => [
      name,
      allow(principal({ userId: name, permissions: roles.permissionsOf([name]) }), "fake"),
    ]),
  );
  const byName = fakeAuthenticator((value) => admitted.get(value), { header: "x-user" });
  let begun = 0;
  const stay = (call: ServerDuplexStream<Message, Message>): void => {
    begun++;
    call.resume();
  };
  await using server = await startEcho({
    rule: hasPermission("news:read"),
    auth: { authenticators: [byName], revocations, roles },
    implementation: () =>
      ({ Unary: stay, Upload: stay, Download: stay, Chat: stay }) as unknown as UntypedServiceImplementation,
  });
  const open = (name: string) => streamed(server.client.stub.Chat(toMetadata({ "x-user": name }), {}));
  const [mine, other] = [open("ada"), open("bob")];
  await until(() => begun === 2);
  source.now = [{ name: "ada", permissions: ["news:*", "!news:read"] }, ...source.now.slice(1)];
  await roles.reload();
  const outcome = await mine;
  assert.deepEqual(
    [outcome.code, outcome.details, errorInfo(outcome)?.reason],
    [7, "Permission 'news:read' required", "PERMISSION_DENIED"],
  );
  source.now = [];
  await roles.reload();
  assert.equal((await other).code, 7);
});
