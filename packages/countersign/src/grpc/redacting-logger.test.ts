import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { byName, principal, reasonOf } from "../core/fakes.suite.ts";
import { startEcho, until } from "./echo.suite.ts";
import { rawBytes } from "./raw-call.suite.ts";
import { silenceGrpcValues } from "./redacting-logger.ts";

describe("grpc-js's own log", () => {
  it("tells the name of a header that it cannot read, and not its value", async (t) => {
    const lines: string[] = [];
    const written = t.mock.method(process.stderr, "write", () => true);
    const seen: string[] = [];
    await using server = await startEcho({
      auth: { onDecision: (_decision, call) => void seen.push(call.procedure) },
      implementation: () => ({}) as UntypedServiceImplementation,
    });
    silenceGrpcValues((line) => lines.push(line));
    const secret = "cs_live_correct-horse-battery-staple";
    const socket = rawBytes(server.port, [["x-user", `${secret}\u00e9`]]);
    t.after(() => socket.destroy());
    await until(() => seen.length > 0);
    const stderr = written.mock.calls.map(({ arguments: [chunk] }) => String(chunk)).join("");
    written.mock.restore();
    assert.ok(!stderr.includes("horse"), stderr);
    assert.ok(!lines.join("\n").includes("horse"), lines.join("\n"));
    assert.deepEqual(lines, ["grpc-js: Failed to add metadata entry x-user: <redacted>"]);
  });

  it("a credential that it cannot read is not taken for none, nor ascribed to the next call", async (t) => {
    const reasons: string[] = [];
    await using server = await startEcho({
      rule: "optional",
      auth: {
        authenticators: [byName({ ada: principal() }, { header: "x-user" })],
        onDecision: (decision) => void reasons.push(reasonOf(decision)),
      },
      implementation: () => ({}) as UntypedServiceImplementation,
    });
    silenceGrpcValues(() => {});
    for (const [headers, reason] of [
      [[["x-user", "ad\u00e9"]], "TOKEN_INVALID"],
      [[], "ok"],
      [[["x-user", "ada"]], "ok"],
      [[["x-other", "\u00e9"]], "ok"],
      [[], "ok"],
    ] as const) {
      const socket = rawBytes(server.port, headers);
      t.after(() => socket.destroy());
      const before = reasons.length;
      await until(() => reasons.length > before);
      assert.equal(reasons.at(-1), reason);
    }
  });

  it("is silent about what is not an error", () => {
    const lines: string[] = [];
    silenceGrpcValues((line) => lines.push(line));
    new Metadata().set("x", "y");
    assert.deepEqual(lines, []);
  });
});
