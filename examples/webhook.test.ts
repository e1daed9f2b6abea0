import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import test from "node:test";

process.env["JWT_SECRET"] = "only for this test: 32 bytes or more";
process.env["REPORTS_KEY"] = "sk-reports-0123456789";

// That a good one arrives is tried beside the program: conformance/clients-that-renew.test.ts.
test("a webhook that is not signed, too large, or sent on with a bad key comes to nothing", async (t) => {
  const { listen, server } = await import("./server.ts");
  const { webhookServer } = await import("./webhook.ts");
  const port = await listen("127.0.0.1:0");
  const variables = { WEBHOOK_SECRET: "s3cret", USERS_ADDRESS: `127.0.0.1:${port}` };
  assert.throws(() => webhookServer(variables), /WEBHOOK_API_KEY is not set/);
  const start = async (key: string): Promise<string> => {
    const hooks = webhookServer({ ...variables, WEBHOOK_API_KEY: key });
    await once(hooks.listen(0, "127.0.0.1"), "listening");
    t.after(() => hooks.close().closeAllConnections());
    return `http://127.0.0.1:${(hooks.address() as AddressInfo).port}`;
  };
  t.after(() => server.forceShutdown());
  t.mock.method(console, "error", () => {});
  const post = async (url: string, body: string, signature: string): Promise<unknown> => {
    const response = await fetch(url, { method: "POST", body, headers: { "x-signature": signature } });
    return [response.status, await response.json()];
  };
  const sign = (body: string): string => createHmac("sha256", "s3cret").update(body).digest("hex");

  const url = await start("sk-reports-0123456789");
  const body = JSON.stringify({ bio: "from a webhook" });
  assert.deepEqual(await post(url, body, sign("another body")), [401, { status: "not signed" }]);
  assert.deepEqual(await post(url, body, ""), [401, { status: "not signed" }]);
  assert.deepEqual(await post(url, "x".repeat(70_000), ""), [413, { status: "too large" }]);
  assert.deepEqual(await post(await start("sk-of-nobody"), body, sign(body)), [502, { status: "failed" }]);
});
