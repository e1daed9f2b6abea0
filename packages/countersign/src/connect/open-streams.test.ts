import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type CallContext, currentCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { type Door, doorNames, type Kind, kindsOf, type Line, startEcho, until } from "./echo.suite.ts";

/** Handlers that stay until their caller leaves, and say what they saw. */
function staying(seen: string[]) {
  const begin = ({ call, principal: caller }: CallContext): void => {
    seen.push(`begun ${caller?.userId}`);
    call.signal.addEventListener("abort", () => seen.push(`aborted ${caller?.userId}`), { once: true });
  };
  const aborted = ({ call }: CallContext): Promise<void> =>
    new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
  async function listen(lines: AsyncIterable<Line>, context: CallContext): Promise<void> {
    try {
      for await (const { say } of lines) seen.push(`heard ${say}`);
    } finally {
      seen.push(`left as ${currentCall()?.principal?.userId}`);
      assert.equal(currentCall(), context);
    }
  }
  return {
    unary: () => ({}),
    read: () => ({}),
    async upload(lines: AsyncIterable<Line>, context: CallContext) {
      begin(context);
      await listen(lines, context);
      return {};
    },
    async *download(_line: Line, context: CallContext) {
      begin(context);
      yield { say: "first" };
      await aborted(context);
    },
    async *chat(lines: AsyncIterable<Line>, context: CallContext) {
      begin(context);
      yield { say: "first" };
      await listen(lines, context);
    },
  };
}

const streamsOf = (door: Door): readonly Kind[] => kindsOf(door).filter((kind) => kind !== "unary");

for (const door of doorNames) {
  for (const kind of streamsOf(door)) {
    describe(`${kind} over ${door}`, () => {
      it("ends with 16 soon after its caller is revoked, and nobody else's does", async () => {
        const seen: string[] = [];
        await using server = await startEcho({ handlers: staying(seen) });
        const forEver = new Promise<void>(() => {});
        const mine = server.call(door, kind, { "x-user": "ada" }, { until: forEver });
        const others = server.call(door, kind, { "x-user": "bob" }, { until: forEver });
        await until(() => seen.filter((text) => text.startsWith("begun")).length === 2);
        server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
        const outcome = await mine;
        assert.deepEqual(
          [outcome.code, outcome.message, outcome.reason],
          [16, "User disabled", "USER_DISABLED"],
        );
        await until(() => seen.includes("aborted ada"));
        if (kind !== "download") await until(() => seen.includes("left as ada"));
        assert.ok(!seen.includes("aborted bob"));
        server.revocations.apply({ kind: "user", userId: "bob", state: "disabled" });
        assert.equal((await others).code, 16);
        assert.deepEqual(server.failures, []);
      });

      it("ends with 16 when its credential does", async () => {
        let expiresAt = 0;
        const short = fakeAuthenticator(
          () => {
            expiresAt ||= Date.now() + 60;
            return Date.now() < expiresAt ? allow(principal(), "short", expiresAt) : deny("TOKEN_EXPIRED");
          },
          { header: "x-user" },
        );
        await using server = await startEcho({ handlers: staying([]), auth: { authenticators: [short] } });
        const outcome = await server.call(door, kind, { "x-user": "ada" }, { until: new Promise(() => {}) });
        assert.deepEqual([outcome.code, outcome.message], [16, "Token expired"]);
      });
    });
  }

  it(`nothing is watched any more when a call over ${door} is over, however it ended`, async () => {
    const seen: string[] = [];
    const count = { open: 0, total: 0 };
    await using server = await startEcho({ handlers: staying(seen), wrap: (auth) => counting(auth, count) });
    for (const kind of streamsOf(door)) {
      seen.length = 0;
      // It leaves in the middle.
      const leave = new AbortController();
      const left = server.call(
        door,
        kind,
        { "x-user": "ada" },
        { until: new Promise(() => {}), signal: leave.signal },
      );
      await until(() => seen.includes("begun ada"));
      leave.abort();
      assert.equal((await left).code, 1);
      await until(() => seen.includes("aborted ada") && count.open === 0);
      // It comes to its end.
      if (kind !== "download") await server.call(door, kind, { "x-user": "ada" });
      await until(() => count.open === 0);
    }
    assert.ok(count.total >= streamsOf(door).length);
    assert.deepEqual(server.failures, []);
  });
}

/** Counts the calls that are watched. */
function counting(auth: Auth<Principal>, count: { open: number; total: number }): Auth<Principal> {
  const watch: Auth<Principal>["watch"] = (...given) => {
    const stop = auth.watch(...given);
    count.open++;
    count.total++;
    let stopped = false;
    return () => {
      if (!stopped) count.open--;
      stopped = true;
      stop();
    };
  };
  return { ...auth, watch };
}

it("a caller who reads nothing is hung up on, and hears nothing more", async () => {
  const seen: string[] = [];
  const handlers = {
    ...staying(seen),
    async *download(_line: Line, context: CallContext) {
      seen.push("begun");
      context.call.signal.addEventListener("abort", () => seen.push("aborted"), { once: true });
      for (;;) yield { say: "x".repeat(100_000) };
    },
  };
  await using server = await startEcho({ handlers });
  const session = connectHttp2(server.http2, { settings: { initialWindowSize: 10 } });
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/t.Echo/Download",
    "content-type": "application/connect+json",
    "x-user": "ada",
  });
  stream.on("error", () => {});
  const closed = new Promise<number | undefined>((resolve) =>
    stream.on("close", () => resolve(stream.rstCode)),
  );
  const body = Buffer.from('{"say":"x"}');
  const frame = Buffer.alloc(5 + body.length);
  frame.writeUInt32BE(body.length, 1);
  body.copy(frame, 5);
  stream.end(frame);
  stream.pause();
  await until(() => seen.includes("begun"));
  server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
  const code = await Promise.race([closed, wait(5000, -1)]);
  session.destroy();
  assert.equal(code, 8);
  await until(() => seen.includes("aborted"));
});
