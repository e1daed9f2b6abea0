import assert from "node:assert/strict";
import test from "node:test";
import { startServer } from "../server-process.ts";
import { allPages, readPage } from "./pages.ts";
import { isRun, runBlocks } from "./run-blocks.ts";

const pages = allPages().filter(({ blocks }) => blocks.some(isRun));

test("blocks that are marked so do what their page says, at a server that `countersign dev` starts", async (t) => {
  assert.ok(pages.some(({ path }) => path === "docs/getting-started.md"));
  const server = await startServer({ signing: "managed" });
  t.after(() => server.stop());
  for (const page of pages) {
    await t.test(page.path, () => {
      const problems = runBlocks(page, server);
      if (problems.length > 0) assert.fail(`\n${problems.join("\n")}`);
    });
  }
  await t.test("and one that does not is found", () => {
    const bad = (code: string) =>
      runBlocks(readPage("docs/bad.md", `\`\`\`sh run\n${code}\n\`\`\`\n`), server);
    assert.deepEqual(bad("echo a; echo b # → b"), []);
    assert.match(bad("echo a # → b").join(""), /was not printed/);
    assert.match(bad("echo b; echo a\n# → a\n# → b").join(""), /was not printed/);
    assert.match(bad("false; echo a").join(""), /it failed/);
    assert.match(bad("npx no-such-program").join(""), /it failed/);
  });
});
