import { deepEqual, equal } from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Auth, Decision, Principal } from "countersign";
import { forwardAuth } from "./forward-auth.ts";

/** A node whose decisions are these. */
let decision: () => Decision<Principal>;
const errors: unknown[] = [];
const handler = forwardAuth({
  auth: {
    serve() {},
    decide: () => ({ ok: true, principal: undefined, authenticator: "certificate", expiresAt: Infinity }),
  } as unknown as Auth<Principal>,
  decisions: {
    ask: async () => ({ decision: decision(), call: { requestId: undefined }, identity: undefined }) as never,
  },
  identityHeader: "x-countersign-identity",
  keys: { header: "x-api-key", scheme: "" },
  forwardedAddress: () => undefined,
  onError: (error) => errors.push(error),
});
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  handler(request, response);
});

describe("forward-auth", () => {
  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(() => server.close().closeAllConnections());
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/forward-auth`);

  it("REGRESSION: names callers whom no header can hold, and goes on", async () => {
    const principal = { userId: "static:Bestellungen für Zoë ✓" } as Principal;
    decision = () => ({ ok: true, principal, authenticator: "api_key", expiresAt: Infinity });
    const { status, headers } = await ask();
    equal(status, 200);
    equal(decodeURIComponent(headers.get("x-countersign-user-id") ?? ""), principal.userId);
  });

  it("REGRESSION: what goes wrong inside is 503, told to the log, and ends no process", async () => {
    decision = () => {
      throw new Error("inside");
    };
    equal((await ask()).status, 503);
    deepEqual(errors.map(String), ["Error: inside"]);
  });
});
