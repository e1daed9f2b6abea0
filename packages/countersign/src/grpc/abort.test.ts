import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type CallContext, currentCall } from "../context/call-context.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import { StoreUnavailable } from "../store/contracts.ts";
import { errorInfo, kinds, type Message, startEcho } from "./echo.suite.ts";

type Step = (context: CallContext) => unknown;

/** The ways of writing a handler: where the step stands that may end the call, and what comes after it. */
const styles: Readonly<
  Record<string, (step: () => unknown, after: () => void) => UntypedServiceImplementation>
> = {
  "in the handler": (step, after) => {
    const run = () => {
      step();
      after();
    };
    return { Unary: run, Upload: run, Download: run, Chat: run } as never;
  },
  "after an await": (step, after) => {
    const run = async () => {
      await turn();
      await step();
      after();
    };
    return { Unary: run, Upload: run, Download: run, Chat: run } as never;
  },
  "after an answer": (step, after) => {
    const run = async (call: ServerDuplexStream<Message, Message>) => {
      call.write?.({ say: "first" });
      await turn();
      await step();
      after();
    };
    const { Unary, Upload } = styles["after an await"]?.(step, after) ?? {};
    return { Unary, Upload, Download: run, Chat: run } as never;
  },
  "for each message": (step, after) => {
    const loop = async (call: ServerDuplexStream<Message, Message>) => {
      for await (const _message of call) {
        await step();
        after();
      }
    };
    return { ...styles["in the handler"]?.(step, after), Upload: loop, Chat: loop } as never;
  },
  "in an event": (step, after) => {
    const listening = (call: ServerReadableStream<Message, Message>) => {
      call.on("data", () => {
        step();
        after();
      });
      call.on("end", after);
    };
    // With an answer on its way, the end has to wait, and more messages may come before it.
    const chatting = (call: ServerDuplexStream<Message, Message>) => {
      call.write({ say: "first" });
      listening(call as never);
    };
    return { ...styles["in the handler"]?.(step, after), Upload: listening, Chat: chatting } as never;
  },
};

const steps: Readonly<Record<string, [step: Step, code: number, text: string, reason: string]>> = {
  requireStaff: [(context) => context.requireStaff(), 7, "Staff access required", "PERMISSION_DENIED"],
  requireSuperuser: [
    (context) => context.requireSuperuser(),
    7,
    "Superuser access required",
    "PERMISSION_DENIED",
  ],
  requirePermission: [
    (context) => context.requirePermission("a:b"),
    7,
    "Permission 'a:b' required",
    "PERMISSION_DENIED",
  ],
  "requireStaff with a text": [
    (context) => context.requireStaff("Ask Ada"),
    7,
    "Ask Ada",
    "PERMISSION_DENIED",
  ],
  abortPermissionDenied: [
    (context) => context.abortPermissionDenied("You can only update your own orders"),
    7,
    "You can only update your own orders",
    "PERMISSION_DENIED",
  ],
  abortUnauthenticated: [
    (context) => context.abortUnauthenticated("Log in again"),
    16,
    "Log in again",
    "CREDENTIALS_MISSING",
  ],
};

for (const [style, build] of Object.entries(styles)) {
  describe(`a helper that ends the call, ${style}`, () => {
    for (const kind of kinds) {
      it(`${kind}: nothing after it runs, and its text reaches the caller`, async () => {
        let step: Step = () => {};
        let ran = 0;
        const failures: unknown[] = [];
        await using server = await startEcho({
          rpc: { onError: (error) => failures.push(error) },
          implementation: () =>
            build(
              () => step(currentCall() as CallContext),
              () => ran++,
            ),
        });
        for (const [name, [given, code, text, reason]] of Object.entries(steps)) {
          step = given;
          const outcome = await server.client.call(kind, { "x-user": "ada" }, "1", "2", "3");
          assert.deepEqual(
            [outcome.code, outcome.details, errorInfo(outcome)?.reason, ran],
            [code, text, reason, 0],
            name,
          );
        }
        assert.deepEqual(failures, []);
      });

      it(`${kind}: any other error is told to onError and to nobody else`, async () => {
        const failures: unknown[] = [];
        const thrown = new Error("secret: 42");
        let ran = 0;
        await using server = await startEcho({
          rpc: {
            onError: async (error, procedure) => {
              failures.push(error, procedure);
              throw error;
            },
          },
          implementation: () =>
            build(
              () => {
                throw thrown;
              },
              () => ran++,
            ),
        });
        const outcome = await server.client.call(kind, { "x-user": "ada" }, "1", "2", "3");
        assert.deepEqual([outcome.code, outcome.details, ran], [13, "Internal error", 0]);
        assert.deepEqual(failures, [thrown, `/t.Echo/${kind}`]);
        assert.ok(!JSON.stringify(outcome).includes("secret"));
      });
    }
  });
}

describe("requireUser() in an anonymous call", () => {
  for (const kind of kinds) {
    it(`${kind}: ends it, with its text or its own`, async () => {
      let text: string | undefined;
      let ran = 0;
      const build = styles["after an await"] as NonNullable<(typeof styles)[string]>;
      await using server = await startEcho({
        rule: "optional",
        implementation: () =>
          build(
            () => currentCall()?.requireUser(text),
            () => ran++,
          ),
      });
      const outcome = await server.client.call(kind, {});
      assert.deepEqual([outcome.code, outcome.details, ran], [16, "Authentication required", 0]);
      text = "Please log in";
      assert.equal((await server.client.call(kind, {})).details, "Please log in");
    });
  }
});

// What a unary handler throws or calls back

async function ending(thrown: unknown, how: "throw" | "call back" = "throw") {
  const failures: unknown[] = [];
  await using server = await startEcho({
    rpc: { onError: (error) => failures.push(error) },
    implementation: () => ({
      ...styles["in the handler"]?.(
        () => {},
        () => {},
      ),
      Unary: (_call: unknown, callback: sendUnaryData<Message>) => {
        if (how === "throw") throw thrown;
        callback(thrown as Error);
      },
    }),
  });
  const { code, details, metadata } = await server.client.call("Unary", { "x-user": "ada" });
  return { code, details, metadata, failures };
}

it("a CallError has its own status, and names the wrong fields", async () => {
  const missing = await ending(new CallError("NOT_FOUND", "no such order"));
  assert.deepEqual([missing.code, missing.details], [5, "no such order"]);
  const wrong = await ending(invalidArgument({ field: "name", description: "is \ud800 empty" }), "call back");
  assert.deepEqual([wrong.code, wrong.details], [3, "name: is \ufffd empty"]);
  assert.equal(wrong.metadata.get("grpc-status-details-bin").length, 1);
});

it("grpc-js's own way is passed on, and half of a surrogate pair does not break it", async () => {
  const own = await ending({ code: status.ALREADY_EXISTS, details: "there is one \udc00" });
  assert.deepEqual([own.code, own.details], [6, "there is one \ufffd"]);
});

it("a text with half of a surrogate pair goes out with a mark in its place", async () => {
  const { code, details } = await ending(undefined);
  assert.deepEqual([code, details], [13, "Internal error"]);
  const aborted = await ending(new CallError("ABORTED", "half \ud83d"));
  assert.deepEqual([aborted.code, aborted.details], [10, "half \ufffd"]);
});

it("what is away is told as unavailable, and nothing of the cause", async () => {
  const { code, details, failures } = await ending(
    new StoreUnavailable("postgres://db.internal: it is away"),
  );
  assert.deepEqual([code, details, failures.length], [14, "Temporarily unavailable", 1]);
});

it("nothing of any other value reaches the caller", async () => {
  for (const thrown of [
    new Error("secret"),
    "secret",
    42,
    undefined,
    { message: "secret" },
    { code: "ENOENT", details: "secret" },
  ]) {
    const { code, details, failures } = await ending(thrown);
    assert.deepEqual([code, details], [13, "Internal error"]);
    assert.deepEqual(failures, [thrown]);
  }
});

it("REGRESSION: after its answer it changes nothing for the caller", async () => {
  const failures: unknown[] = [];
  await using server = await startEcho({
    rpc: { onError: (error) => failures.push(error) },
    implementation: () => ({
      ...styles["in the handler"]?.(
        () => {},
        () => {},
      ),
      Unary: async (_call: unknown, callback: sendUnaryData<Message>) => {
        callback(null, { say: "done" });
        callback(null, { say: "done twice" });
        throw new Error("late");
      },
    }),
  });
  const { code, messages } = await server.client.call("Unary", { "x-user": "ada" });
  assert.deepEqual([code, messages, failures.length], [0, [{ say: "done" }], 1]);
});

describe("a handler that leaves its loop over the messages", () => {
  it("can still answer", async () => {
    await using server = await startEcho({
      implementation: () => ({
        ...styles["in the handler"]?.(
          () => {},
          () => {},
        ),
        Chat: async (call: ServerDuplexStream<Message, Message>) => {
          for await (const { say } of call) if (say === "2") break;
          call.write({ say: "enough" });
          call.end();
        },
        Download: (call: ServerWritableStream<Message, Message>) => call.end(),
      }),
    });
    const { code, messages } = await server.client.call("Chat", { "x-user": "ada" }, "1", "2", "3", "4");
    assert.deepEqual([code, messages], [0, [{ say: "enough" }]]);
  });
});
