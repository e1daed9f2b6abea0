import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { Call } from "countersign";

process.env["GOOGLE_CLIENT_ID"] = "only-for-this-test.apps.googleusercontent.com";

test("the code block of docs/other-issuers.md is a file, and decides", async () => {
  const text = readFileSync(new URL("../docs/other-issuers.md", import.meta.url), "utf8");
  const [, file = "", code] = /```ts file=(\S+)\n(.*?)```/s.exec(text) ?? [];
  assert.equal(code, readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));
  const { auth } = await import("./google-sign-in.ts");
  const call = (authorization: readonly string[]): Call => ({
    protocol: "grpc",
    procedure: "/api.users.UserService/UpdateProfile",
    header: (name) => (name === "authorization" ? authorization : []),
    peer: { address: undefined },
    signal: new AbortController().signal,
  });
  const reasonOf = async (...authorization: readonly string[]) => {
    const decision = await auth.decide(call(authorization));
    return decision.ok ? "ok" : decision.denial.reason;
  };
  assert.equal(await reasonOf(), "CREDENTIALS_MISSING");
  // Nobody asks Google about what is none of Google's.
  assert.equal(await reasonOf("Bearer nonsense"), "TOKEN_INVALID");
});
