import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { create, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import { allow } from "../core/decision.ts";
import { fakeCall, principal } from "../core/fakes.suite.ts";
import { LogService } from "../gen/auth/v1/logs_pb.ts";
import { createMemoryRequestLog } from "../store/memory.ts";
import { requestRow } from "../store/request-log.suite.ts";
import { createLogService } from "./log-service.ts";

const { method } = LogService;
const context = (signal = new AbortController().signal, tenantId?: string): CallContext =>
  new CallContext({ ...fakeCall("/t"), signal }, allow(principal({ tenantId }), "fake"), undefined);

/** In the middle of a minute, an hour and a day: what is asked without times is asked of the same ones as was logged. */
function standingClock(t: TestContext): number {
  const now = Date.UTC(2027, 0, 15, 12, 34, 56, 789);
  t.mock.timers.enable({ apis: ["Date"], now });
  return now;
}

function open() {
  const requests = createMemoryRequestLog();
  return { requests, service: createLogService({ requests }) };
}

type Init<M extends DescMethod> = MessageInitShape<M["input"]>;

describe("LogService", () => {
  it("lists what a filter finds, page by page, and finds one by its id", async () => {
    const { requests, service } = open();
    const rows = Array.from({ length: 9 }, (_, n) =>
      requestRow(n, { code: n % 2 === 0 ? 0 : 5, userId: "7", procedure: "/a.A/B" }),
    );
    await requests.append([...rows, requestRow(3, { at: 1, code: 0 })]);
    const list = (given: Init<typeof method.listRequests>) =>
      service.listRequests(create(method.listRequests.input, given), context());
    const filter = { status: "error", codes: ["NOT_FOUND"], userId: "7", procedure: "/a.A/B", text: "A.a/" };
    const first = await list({ filter, pageSize: 3 });
    assert.deepEqual(
      first.requests?.map(({ requestId }) => requestId),
      [7, 5, 3].map((n) => rows[n]?.requestId),
    );
    assert.deepEqual(first.requests?.[0]?.code, "NOT_FOUND");
    const second = await list({ filter, pageSize: 3, pageToken: first.nextPageToken ?? "" });
    assert.deepEqual([second.requests?.length, second.nextPageToken], [1, ""]);
    const get = (requestId: string) =>
      service.getRequest(create(method.getRequest.input, { requestId }), context());
    const found = await get(rows[3]?.requestId ?? "");
    assert.deepEqual([found.request?.status, found.others], ["error", 1]);
    await assert.rejects(
      async () => get("nothing-like-it"),
      (error) => (error as CallError).status === "NOT_FOUND",
    );
  });

  it("says what is wrong with a request, field by field", async () => {
    const { service } = open();
    const wrong: readonly (readonly [string, () => unknown])[] = [
      ...Object.entries({
        status: { status: "maybe" },
        codes: { codes: ["OK", "FINE"] },
        reason: { reason: "toString" },
        protocol: { protocol: "http/2" },
        text: { text: "x".repeat(257) },
        user_id: { userId: "\0" },
        api_key_id: { apiKeyId: "\ud800" },
        since: { since: timestampFromMs(2), until: timestampFromMs(1) },
      }).map(
        ([field, filter]) =>
          [
            `filter.${field}`,
            () =>
              service.listRequests(
                {
                  ...create(method.listRequests.input),
                  filter: { ...create(method.listRequests.input, { filter }).filter } as never,
                },
                context(),
              ),
          ] as const,
      ),
      [
        "page_token",
        () =>
          service.listRequests(create(method.listRequests.input, { pageToken: "WyIxIiwieCJd" }), context()),
      ],
      [
        "page_size",
        () => service.listRequests(create(method.listRequests.input, { pageSize: 1001 }), context()),
      ],
      ["request_id", () => service.getRequest(create(method.getRequest.input), context())],
      [
        "lists[1]",
        () =>
          service.getStatistics(create(method.getStatistics.input, { lists: ["user", "all"] }), context()),
      ],
      [
        "of.dimension",
        () =>
          service.getStatistics(
            create(method.getStatistics.input, { of: { dimension: "all", value: "x" } }),
            context(),
          ),
      ],
      [
        "of.value",
        () =>
          service.getTimeSeries(create(method.getTimeSeries.input, { of: { dimension: "user" } }), context()),
      ],
      ["top", () => service.getStatistics(create(method.getStatistics.input, { top: 1001 }), context())],
      [
        "step",
        () => service.getTimeSeries(create(method.getTimeSeries.input, { step: "second" }), context()),
      ],
      [
        "since",
        () =>
          service.getTimeSeries(create(method.getTimeSeries.input, { since: timestampFromMs(0) }), context()),
      ],
      [
        "since",
        () =>
          service.getStatistics(
            create(method.getStatistics.input, { since: timestampFromMs(2), until: timestampFromMs(1) }),
            context(),
          ),
      ],
    ];
    for (const [field, ask] of wrong) {
      await assert.rejects(
        async () => ask(),
        (error) => {
          assert.ok(error instanceof CallError, String(error));
          assert.deepEqual([error.status, error.violations[0]?.field], ["INVALID_ARGUMENT", field]);
          return true;
        },
      );
    }
  });

  it("says everything that is wrong with a request at once", async () => {
    const { service } = open();
    const fieldsOf = async (ask: () => unknown): Promise<readonly string[]> => {
      try {
        await ask();
        return [];
      } catch (error) {
        return error instanceof CallError
          ? error.violations.map(({ field }) => field)
          : assert.fail(`${error}`);
      }
    };
    const filter = { status: "maybe", protocol: "tcp", tenant: "no tenant" };
    const { listRequests, getStatistics, getTimeSeries } = method;
    const list = create(listRequests.input, { filter, pageSize: -1, pageToken: "?" });
    assert.deepEqual(await fieldsOf(() => service.listRequests(list, context())), [
      ...["filter.status", "filter.protocol", "tenant", "page_size", "page_token"],
    ]);
    const of = { dimension: "code", value: "99" };
    const wrong = { of, tenant: "no tenant", since: timestampFromMs(2), until: timestampFromMs(1) };
    const statistics = create(getStatistics.input, { ...wrong, lists: ["user", "all"], top: -1 });
    assert.deepEqual(await fieldsOf(() => service.getStatistics(statistics, context())), [
      ...["since", "of.value", "tenant", "lists[1]", "top"],
    ]);
    const series = create(getTimeSeries.input, { ...wrong, step: "year" });
    assert.deepEqual(await fieldsOf(() => service.getTimeSeries(series, context())), [
      ...["step", "since", "of.value", "tenant"],
    ]);
    const reason = create(getStatistics.input, { of: { dimension: "reason", value: "toString" } });
    assert.deepEqual(await fieldsOf(() => service.getStatistics(reason, context())), ["of.value"]);
  });

  it("tells how calls went, in all, of one value, and step by step", async (t) => {
    const now = standingClock(t);
    const { requests, service } = open();
    await requests.append(
      [0, 0, 7, 0].map((code, n) => requestRow(n, { at: now, code, userId: `${n % 2}`, durationMs: 10 })),
      2,
    );
    const ask = (given: Init<typeof method.getStatistics>) =>
      service.getStatistics(create(method.getStatistics.input, given), context());
    const all = await ask({});
    assert.deepEqual(
      [all.all?.calls, all.all?.errors, all.all?.successRate, all.dropped],
      [4n, 1n, 0.75, 2n],
    );
    assert.ok(Math.abs((all.all?.p99Ms ?? 0) - 10) <= 0.5, "at most 5 % off");
    assert.deepEqual(
      all.byUser?.map(({ value, figures }) => [value, figures?.calls]),
      [
        ["0", 2n],
        ["1", 2n],
      ],
    );
    assert.deepEqual(
      all.byCode?.map(({ value }) => value),
      ["PERMISSION_DENIED"],
    );
    const one = await ask({ of: { dimension: "code", value: "PERMISSION_DENIED" }, lists: ["user"] });
    assert.deepEqual([one.all?.calls, one.byUser], [1n, []]);
    const series = await service.getTimeSeries(
      create(method.getTimeSeries.input, { step: "hour" }),
      context(),
    );
    assert.deepEqual(
      series.points?.map(({ figures }) => figures?.calls),
      [4n],
    );
  });

  it("keeps whoever is in a tenant to that tenant's calls, whatever is asked for", async (t) => {
    const at = standingClock(t);
    const { requests, service } = open();
    const ended = (n: number, tenantId: string | undefined) => requestRow(n, { at, tenantId });
    await requests.append([ended(0, undefined), ended(1, "acme"), ended(2, "globex"), ended(3, "acme")]);
    const asked = async (tenantId: string | undefined, tenant: string): Promise<readonly unknown[]> => {
      const signal = new AbortController();
      const by = context(signal.signal, tenantId);
      const { requests: rows = [] } = await service.listRequests(
        create(method.listRequests.input, { filter: { tenant } }),
        by,
      );
      const { all } = await service.getStatistics(create(method.getStatistics.input, { tenant }), by);
      const series = await service.getTimeSeries(create(method.getTimeSeries.input, { tenant }), by);
      const inSteps = series.points?.reduce((sum, { figures }) => sum + (figures?.calls ?? 0n), 0n);
      assert.equal(inSteps, all?.calls);
      const watching = service.watchRequests(create(method.watchRequests.input, { filter: { tenant } }), by);
      const heard = watching[Symbol.asyncIterator]();
      await heard.next();
      await requests.append([ended(4, "globex"), ended(5, undefined), ended(6, "acme")]);
      const first = tenantId === "acme" && tenant === "globex" ? undefined : (await heard.next()).value;
      signal.abort();
      return [rows.length, Number(all?.calls), first?.requests?.length];
    };
    assert.deepEqual(await asked(undefined, ""), [4, 4, 3]);
    assert.deepEqual(await asked(undefined, "acme"), [3, 3, 1]);
    assert.deepEqual(await asked("acme", ""), [4, 4, 1]);
    assert.deepEqual(await asked("acme", "acme"), [5, 5, 1]);
    assert.deepEqual(await asked("acme", "globex"), [0, 0, undefined]);
    const { requestId } = ended(0, undefined);
    await assert.rejects(
      async () =>
        service.getRequest(create(method.getRequest.input, { requestId }), context(undefined, "acme")),
      (error) => (error as CallError).status === "NOT_FOUND",
    );
  });

  it("exports every row once, and what a spreadsheet would run as text", async () => {
    const { requests, service } = open();
    const hostile = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", 'quo"te, and comma', "\uff1d1", "plain"];
    const rows = Array.from({ length: 1203 }, (_, n) =>
      requestRow(n, { at: n, userAgent: hostile[n % 7] ?? "" }),
    );
    await requests.append(rows);
    const exported = async (format: string): Promise<string> => {
      let text = "";
      for await (const { data } of service.exportRequests(
        create(method.exportRequests.input, { format }),
        context(),
      ))
        text += Buffer.from((data as Uint8Array | undefined) ?? []).toString();
      return text;
    };
    const lines = (await exported("csv")).split("\r\n");
    assert.equal(lines.length, 1205);
    assert.match(lines[0] ?? "", /^request_id,ended_at,duration_ms,/);
    const agents = lines.slice(1, -1).map((line) => {
      const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
      return (cells[12] ?? "").replace(/,$/, "");
    });
    assert.deepEqual(
      [...new Set(agents)].sort(),
      [
        `"'+1"`,
        `"'-1"`,
        `"'=cmd|' /C calc'!A0"`,
        `"'@SUM(1)"`,
        `"'\uff1d1"`,
        '"quo""te, and comma"',
        "plain",
      ].sort(),
    );
    const objects = (await exported("ndjson"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { request_id: string });
    assert.deepEqual(
      objects.map(({ request_id }) => request_id),
      rows.map(({ requestId }) => requestId).reverse(),
    );
    await assert.rejects(() => exported("xml"), CallError);
  });

  it("hands on what is written from now on, to every reader, until it leaves", async () => {
    const { requests, service } = open();
    await requests.append([requestRow(0)]);
    const leaving = new AbortController();
    const watch = (filter: Init<typeof method.watchRequests>["filter"]) =>
      service
        .watchRequests(
          create(method.watchRequests.input, { ...(filter && { filter }) }),
          context(leaving.signal),
        )
        [Symbol.asyncIterator]();
    const readers = [watch(undefined), watch({ status: "error" })];
    for (const reader of readers) assert.deepEqual((await reader.next()).value.requests, []);
    await requests.append([requestRow(1, { code: 5 }), requestRow(2)]);
    const [all, errors] = await Promise.all(readers.map((reader) => reader.next()));
    const ids = (answer: typeof all) =>
      answer?.value.requests.map(({ requestId }: { requestId: string }) => requestId);
    assert.deepEqual(ids(all), [requestRow(1).requestId, requestRow(2).requestId]);
    assert.deepEqual(ids(errors), [requestRow(1).requestId]);
    const ends = readers.map((reader) => reader.next());
    leaving.abort();
    assert.deepEqual(
      (await Promise.all(ends)).map(({ done }) => done),
      [true, true],
    );
  });

  it("tells a reader who is too slow how much it has missed", async () => {
    const { requests, service } = open();
    const reader = service
      .watchRequests(create(method.watchRequests.input), context())
      [Symbol.asyncIterator]();
    await reader.next();
    await requests.append(Array.from({ length: 6000 }, (_, n) => requestRow(n)));
    let [seen, missed] = [0, 0];
    while (seen + missed < 6000) {
      const { value } = await reader.next();
      seen += value.requests.length;
      missed += Number(value.missed);
    }
    assert.equal(seen + missed, 6000);
    assert.ok(missed > 0 && seen <= 3000);
    await reader.return?.(undefined);
  });

  it("where nothing is kept says so", async () => {
    const service = createLogService({ requests: undefined });
    for (const ask of [
      () => service.listRequests(create(method.listRequests.input), context()),
      () =>
        service.watchRequests(create(method.watchRequests.input), context())[Symbol.asyncIterator]().next(),
    ])
      await assert.rejects(
        async () => ask(),
        (error) => (error as CallError).status === "FAILED_PRECONDITION",
      );
  });
});
