import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallContext } from "../context/call-context.ts";
import { CallError, invalidArgument, Unavailable } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import { BadRequestSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { doorNames, kindsOf, type Line, startEcho } from "./echo.suite.ts";

type Step = (context: CallContext) => unknown;

/** Handlers that do one thing, in each of the places where a handler can fail. */
function failing(step: Step, place: "at once" | "after an await" | "after an answer") {
  const run = async (context: CallContext): Promise<object> => {
    if (place !== "at once") await turn();
    step(context);
    return {};
  };
  async function* stream(context: CallContext) {
    if (place === "after an answer") yield { say: "first" };
    yield await run(context);
  }
  return {
    unary: (_line: Line, context: CallContext) => (place === "at once" ? step(context) : run(context)),
    read: () => ({}),
    async upload(lines: AsyncIterable<Line>, context: CallContext) {
      for await (const _line of lines) await run(context);
      return {};
    },
    download: (_line: Line, context: CallContext) => stream(context),
    chat: (_lines: AsyncIterable<Line>, context: CallContext) => stream(context),
  };
}

const steps: Readonly<Record<string, [step: Step, code: number, text: string, reason?: string]>> = {
  requireStaff: [(context) => context.requireStaff(), 7, "Staff access required", "PERMISSION_DENIED"],
  abortPermissionDenied: [
    (context) => context.abortPermissionDenied("Only your own: é ✓ \ud800"),
    7,
    "Only your own: é ✓ \ufffd",
    "PERMISSION_DENIED",
  ],
  abortUnauthenticated: [
    (context) => context.abortUnauthenticated("Log in again"),
    16,
    "Log in again",
    "CREDENTIALS_MISSING",
  ],
  "a call error": [
    () => {
      throw new CallError("NOT_FOUND", "No such line");
    },
    5,
    "No such line",
  ],
  "Connect's own error": [
    () => {
      throw new ConnectError("Somebody has changed it", Code.Aborted);
    },
    10,
    "Somebody has changed it",
  ],
};

for (const place of ["at once", "after an await", "after an answer"] as const) {
  describe(`what a handler throws ${place}`, () => {
    for (const [name, [step, code, text, reason]] of Object.entries(steps)) {
      it(`${name} reaches its caller`, async () => {
        await using server = await startEcho({ handlers: failing(step, place) });
        for (const door of doorNames) {
          for (const kind of kindsOf(door)) {
            const outcome = await server.call(door, kind, { "x-user": "ada" });
            assert.deepEqual(
              [outcome.code, outcome.message, outcome.reason],
              [code, text, reason],
              `${door} ${kind}`,
            );
          }
        }
        assert.deepEqual(server.failures, []);
      });
    }

    for (const [thrown, code, text] of [
      [new Error("secret: 42"), 13, "Internal error"],
      [new Unavailable("the database at secret:42 is away"), 14, "Temporarily unavailable"],
    ] as const) {
      it(`${thrown.name} is told to onError and to nobody else`, async () => {
        const step = (): never => {
          throw thrown;
        };
        await using server = await startEcho({ handlers: failing(step, place) });
        for (const door of doorNames) {
          for (const kind of kindsOf(door)) {
            server.failures.length = 0;
            const outcome = await server.call(door, kind, { "x-user": "ada" });
            assert.deepEqual([outcome.code, outcome.message], [code, text], `${door} ${kind}`);
            assert.deepEqual(server.failures, [thrown]);
          }
        }
      });
    }
  });
}

it("an onError that fails changes nothing", async () => {
  const step = (): never => {
    throw "not even an error";
  };
  for (const onError of [
    () => {
      throw new Error("the logger");
    },
    async () => {
      throw new Error("the logger");
    },
  ]) {
    await using server = await startEcho({ handlers: failing(step, "at once"), guard: { onError } });
    assert.equal((await server.call("gRPC", "unary", { "x-user": "ada" })).code, 13);
  }
});

it("limits say when to try again, violations which field", async () => {
  const limit = (): never => {
    throw new Refusal("RATE_LIMITED", { retryAfterSeconds: 1.5 });
  };
  const violation = (): never => {
    throw invalidArgument({ field: "email", description: "is odd" });
  };
  await using limited = await startEcho({ handlers: failing(limit, "at once") });
  await using wrong = await startEcho({ handlers: failing(violation, "at once") });
  for (const door of doorNames) {
    const { error, code, reason, metadata } = await limited.call(door, "unary", { "x-user": "ada" });
    assert.deepEqual([code, reason, metadata.get("retry-after")], [8, "RATE_LIMITED", "2"], door);
    const [retry] = error?.findDetails(RetryInfoSchema) ?? [];
    assert.deepEqual([retry?.retryDelay?.seconds, retry?.retryDelay?.nanos], [1n, 500_000_000]);
    const refused = await wrong.call(door, "unary", { "x-user": "ada" });
    assert.deepEqual([refused.code, refused.message], [3, "email: is odd"]);
    const [request] = refused.error?.findDetails(BadRequestSchema) ?? [];
    assert.deepEqual(
      request?.fieldViolations.map(({ field }) => field),
      ["email"],
    );
  }
});

it("JSON has the statuses, the reason on top, and the names of the proto where they are asked for", async () => {
  const throwing = { current: new Refusal("RATE_LIMITED", { retryAfterSeconds: 3 }) as Error };
  const step = (): never => {
    throw throwing.current;
  };
  await using server = await startEcho({
    rule: "optional",
    handlers: {
      ...failing(step, "at once"),
      read: () => ({ say: "x", saidBy: "ada", count: 2n ** 53n + 1n }),
    },
    adapter: { jsonOptions: { useProtoFieldName: true, alwaysEmitImplicit: true } },
  });
  const post = async (path: string, headers: Record<string, string> = {}) => {
    const type = { "content-type": "application/json" };
    const response = await fetch(`${server.http}/t.Echo/${path}`, {
      method: "POST",
      body: "{}",
      headers: { ...type, ...headers },
    });
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    };
  };
  assert.deepEqual((await post("Read")).json, { say: "x", said_by: "ada", count: "9007199254740993" });
  const cases = [
    [throwing.current, 429, "RATE_LIMITED"],
    [new Refusal("LOGIN_FAILED"), 401, "LOGIN_FAILED"],
    [new Refusal("PERMISSION_DENIED"), 403, "PERMISSION_DENIED"],
    [new Refusal("UNAVAILABLE"), 503, "UNAVAILABLE"],
    [new CallError("NOT_FOUND", "No"), 404, undefined],
    [new Error("secret"), 500, undefined],
  ] as const;
  for (const [error, status, reason] of cases) {
    throwing.current = error;
    const answer = await post("Unary");
    assert.deepEqual([answer.status, answer.json["reason"]], [status, reason]);
    assert.equal(answer.headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
    assert.equal(answer.headers.get("retry-after"), status === 429 ? "3" : null);
  }
  throwing.current = invalidArgument({ field: "email", description: "is odd" });
  const [detail] = (await post("Unary")).json["details"] as [{ debug: unknown }];
  assert.deepEqual(detail.debug, { field_violations: [{ field: "email", description: "is odd" }] });
  const refused = await post("Unary", { "x-user": "bad" });
  assert.deepEqual(
    [refused.status, refused.json["reason"], refused.json["code"]],
    [401, "TOKEN_INVALID", "unauthenticated"],
  );
});
