import assert from "node:assert/strict";
import { test } from "node:test";
import { gatherPages, howToGoOn } from "./pages.ts";

/** A list that has found something on its tenth page and on none before. */
function late() {
  const asked: { readonly pageSize: number; readonly pageToken: string }[] = [];
  return {
    asked,
    read: async (page: { readonly pageSize: number; readonly pageToken: string }) => {
      asked.push(page);
      return { rows: asked.length === 10 ? ["found"] : [], nextPageToken: `${asked.length}` };
    },
  };
}

test("a search goes on by itself until it has found something", async () => {
  const { asked, read } = late();
  assert.deepEqual(await gatherPages({}, read), { rows: ["found"], next: "10" });
  assert.deepEqual(asked.at(-1), { pageSize: 0, pageToken: "9" });
});

test("it goes on for so long, and says where it was", async () => {
  let asked = 0;
  const found = await gatherPages({ pageToken: "first" }, async ({ pageToken }) => {
    assert.equal(pageToken, asked === 0 ? "first" : `${asked}`);
    asked += 1;
    return { rows: [], nextPageToken: `${asked}` };
  });
  assert.deepEqual([found.rows, found.next], [[], `${asked}`]);
  assert.equal(asked, 100);
});

test("with --all it goes on to the end", async () => {
  let asked = 0;
  const { rows, next } = await gatherPages({ all: true }, async ({ pageSize }) => {
    asked += 1;
    assert.equal(pageSize, 1000);
    return { rows: asked % 50 === 0 ? [asked] : [], nextPageToken: asked === 300 ? "" : `${asked}` };
  });
  assert.deepEqual([rows.length, next], [6, ""]);
});

test("whoever reads it is told how to go on, and whether there is more", () => {
  assert.equal(howToGoOn({ rows: [1], next: "" }, {}), undefined);
  assert.equal(howToGoOn({ rows: [], next: "" }, {}), undefined);
  assert.match(
    howToGoOn({ rows: [1, 2], next: "t" }, { pageSize: 2 }) ?? "",
    /^There are more: --page-token t, or --all$/,
  );
  assert.match(
    howToGoOn({ rows: [1], next: "t" }, {}) ?? "",
    /^There may be more: --page-token t, or --all$/,
  );
  assert.match(
    howToGoOn({ rows: [], next: "t" }, {}) ?? "",
    /^The search is not at its end: go on with --page-token t, or with --all to the end$/,
  );
});
