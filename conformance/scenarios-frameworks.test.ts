import { deepEqual, equal } from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { it } from "node:test";
import { within } from "./deadline.ts";
import { doors } from "./doors.ts";
import { describeTable } from "./table.suite.ts";

// The one table, at the doors of the library that frameworks are behind; and its rows that no credential leads to.

/** A path, what is sent, and status, reason or text of the answer. */
const rows = [
  ["a procedure that is not served", "/nothing", {}, [404, undefined]],
  ["a rule that is open, and a bad credential", "/rows/open", { "x-api-key": "nonsense" }, [200, undefined]],
  ["a rate limit", "/rows/limited", { "x-limited": "rate" }, [429, "RATE_LIMITED"]],
  ["a quota", "/rows/limited", { "x-limited": "quota" }, [429, "QUOTA_EXCEEDED"]],
  ["authenticators of the route's own", "/rows/limited", {}, [401, "CREDENTIALS_MISSING"]],
  ["a guard that fails", "/rows/guard-fails", "alice", [503, "UNAVAILABLE"]],
  ["a guard that answers neither yes nor no", "/rows/guard-is-odd", "alice", [403, "PERMISSION_DENIED"]],
  ["a handler that fails", "/rows/handler-fails", {}, [500, undefined]],
] as const;

/** A request as no client sends it: the target as it is, and headers after a Host. */
async function statusOf(address: string, target: string, more: readonly string[]): Promise<number> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect(Number(port), hostname);
  const lines = [`POST ${target} HTTP/1.1`, "host: x", ...more, "content-type: application/json"];
  socket.write(`${[...lines, "content-length: 2"].join("\r\n")}\r\n\r\n{}`);
  const [first] = (await within(5000, "an answer", once(socket, "data"))) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(first.toString())?.[1]);
}

describeTable(
  doors.filter(({ of }) => of === "framework"),
  (door, opened) => {
    if (!door.hasRows) return;
    for (const [name, path, headers, expected] of rows)
      it(name, async () => {
        const { address, server } = opened();
        const sent = headers === "alice" ? { "x-api-key": server.apiKey } : headers;
        const response = await fetch(`http://${address}${path}`, {
          method: "POST",
          body: "{}",
          headers: { "content-type": "application/json", ...sent },
        });
        const text = await response.text();
        const { reason } = (
          response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {}
        ) as {
          reason?: string;
        };
        deepEqual([response.status, reason], expected);
        equal(text.includes("secret"), false);
        if (expected[1] === "RATE_LIMITED") equal(response.headers.get("retry-after"), "7");
        if (expected[0] === 401) equal(response.headers.has("www-authenticate"), true);
      });
    // RFC 9112 section 3.2. The program's own listener: http-input.test.ts.
    it("a target in absolute form, and one that could be read differently", async () => {
      const { address, server } = opened();
      const alice = `x-api-key: ${server.apiKey}`;
      for (const [target, lines, expected] of [
        ["http://x/rows/open", [], 200],
        ["https://y:1/rows/open", [], 200],
        ["http://x/rows/guard-is-odd", [], 401],
        ["http://x/rows/guard-is-odd", [alice], 403],
        ["http://x/nothing", [alice], 404],
        ["http://x//rows/open", [], 404],
        ["/rows/open", ["host: x"], 400],
        ["http://x/rows/open", ["host: y"], 400],
        ["http://x:port/rows/open", [], 400],
        ["ftp://x/rows/open", [], 400],
      ] as const)
        equal(await statusOf(address, target, lines), expected, [target, ...lines].join());
    });
  },
);
