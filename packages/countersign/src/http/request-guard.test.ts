import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import type { JsonValue } from "@bufbuild/protobuf";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { createAuth } from "../core/auth.ts";
import { byName, principal } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { UserService } from "../gen/auth/v1/users_pb.ts";
import { celConditions } from "../policy/cel/cel-conditions.ts";
import { compilePolicy } from "../policy/compile-policy.ts";
import { policyFromData } from "../policy/declared.ts";
import { JsonAliases } from "./json-aliases.ts";

it("a rule about the request decides between the body and the handler", async (t) => {
  const rules = {
    "/auth.v1.UserService/*": "authenticated",
    "/auth.v1.UserService/DisableUser": {
      condition: "principal.user_id == string(request.id)",
      message: "Only your own",
    },
  };
  const declared = policyFromData({ rules }, { origin: "f", services: [UserService] });
  const auth = createAuth<Principal>({
    authenticators: [byName({ ann: principal({ userId: "9007199254740993" }) })],
    policy: compilePolicy([declared], { conditions: celConditions() }),
  });
  let calls = 0;
  const json = new JsonAliases(auth, { onError: (error) => assert.fail(String(error)) });
  const disableUser = () => {
    calls += 1;
    return {};
  };
  json.add("/old/disable", {
    method: UserService.method.disableUser,
    handlers: { disableUser } as Partial<ServiceHandlers<typeof UserService>> as ServiceHandlers<
      typeof UserService
    >,
    toRequest: (body) => body as JsonValue,
    toResponse: (answer) => answer,
  });
  const server = createServer((request, response) => void json.handle(request, response)).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/old/disable`;
  const ask = async (id: string): Promise<readonly [number, string | undefined]> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "x-fake": "ann", "content-type": "application/json" },
      body: JSON.stringify({ id }),
    });
    const { message } = (await response.json()) as { readonly message?: string };
    return [response.status, message];
  };
  assert.deepEqual(await ask("9007199254740992"), [403, "Only your own"]);
  assert.deepEqual(
    [await ask("not a number"), calls],
    [[400, "The body is not a DisableUserRequest; its fields are: id"], 0],
  );
  assert.deepEqual([await ask("9007199254740993"), calls], [[200, undefined], 1]);
});
