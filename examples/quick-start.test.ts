import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import test from "node:test";

process.env["REPORTS_KEY"] = "sk-reports-0123456789";

test("the first server of the library's page lets in who has the key", async (t) => {
  const { server } = await import("./quick-start.ts");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const ask = async (key: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/me`, { headers: { "x-api-key": key } });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask("sk-reports-0123456789"), [200, "static:reports"]);
  const [status, text] = await ask("sk-reports-9876543210");
  assert.deepEqual([status, JSON.parse(String(text)).reason], [401, "API_KEY_INVALID"]);
});
