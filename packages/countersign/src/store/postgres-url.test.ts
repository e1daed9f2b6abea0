import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPostgresUrl } from "./postgres-url.ts";

describe("PostgreSQL URLs", () => {
  it("are named without user and password", () => {
    const names = [
      ["postgres://ada:secret@db.example.org/app?sslmode=require", "postgres://db.example.org/app"],
      ["postgresql://ada:secret@[::1]:6432/app", "postgres://[::1]:6432/app"],
      ["postgres://ada@x:5432/app", "postgres://x/app"],
      ["postgres:///app?host=/run/postgresql&user=ada&password=secret", "postgres:///run/postgresql/app"],
    ] as const;
    for (const [url, name] of names) assert.equal(readPostgresUrl(url).name, name);
  });

  it("that cannot be used are refused, and not repeated", () => {
    const wrong = [
      ["secret", /is like postgres:/],
      ["", /is like postgres:/],
      ["mysql://ada:secret@db/app", /is like postgres:/],
      ["postgres://ada:secret@db/", /is like postgres:/],
      ["postgres:///app?password=secret", /names a host/],
      ["postgres://ada:secret@db/app?sslmode=prefer", /sslmode is one of .*plain text/],
      ["postgres://ada:secret@db/app?sslmode=verify_full", /sslmode is one of/],
      ["postgres://ada:secret@db/app?ssl_mode=require", /"ssl_mode" is no parameter/],
      [
        "postgres://ada:secret@db/app?uselibpqcompat=true&sslmode=require",
        /"uselibpqcompat" is no parameter/,
      ],
      ["postgres://ada:secret@db/app?statement_timeout=0", /"statement_timeout" is no parameter/],
    ] as const;
    for (const [url, line] of wrong) {
      assert.throws(
        () => readPostgresUrl(url),
        (error) => {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, line);
          assert.ok(!/secret/.test(error.message) && !error.message.includes("\n"));
          return true;
        },
      );
    }
  });
});
