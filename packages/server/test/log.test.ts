import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { logOptions } from "../src/log.ts";

test("what an error of a driver carries is not written", () => {
  const lines: string[] = [];
  const log = pino(logOptions, { write: (line: string) => void lines.push(line) });
  const error = Object.assign(new Error("it is away"), {
    password: "canary",
    headers: { authorization: "canary" },
    config: { connectionString: "canary", token: "canary", host: "127.0.0.1" },
    options: { headers: { cookie: "canary" } },
  });
  log.error({ err: error, secret: "canary", procedure: "/a.B/C" }, "failed");
  const [line = ""] = lines;
  assert.doesNotMatch(line, /canary/);
  const { err, procedure } = JSON.parse(line) as {
    err: { config: unknown; message: string };
    procedure: string;
  };
  assert.deepEqual(
    [err.message, err.config, procedure],
    ["it is away", { connectionString: "[hidden]", token: "[hidden]", host: "127.0.0.1" }, "/a.B/C"],
  );
});
