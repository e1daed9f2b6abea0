import { deepEqual, equal } from "node:assert/strict";
import { it } from "node:test";
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
  },
);
