import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
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

  it("is silent about what is not an error", () => {
    const lines: string[] = [];
    silenceGrpcValues((line) => lines.push(line));
    new Metadata().set("x", "y");
    assert.deepEqual(lines, []);
  });
});
