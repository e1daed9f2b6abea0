import assert from "node:assert/strict";
import { it } from "node:test";
import type { CorsOptions } from "./cors.ts";
import { createCors } from "./cors.ts";
import { nodeCors } from "./node-cors.ts";

it("options without a list of origins, and names of no option, are mistakes and not closed doors", () => {
  const given = (options: object | undefined) => () => createCors(options as CorsOptions | undefined);
  assert.throws(given({ origin: ["https://app.example"] }), /CORS has no option origin: it takes origins,/);
  assert.throws(given({ origins: [], maxAge: 1 }), /CORS has no option maxAge/);
  for (const origins of [undefined, "https://app.example", null])
    assert.throws(given({ origins }), TypeError);
  assert.throws(() => nodeCors({} as CorsOptions), /needs origins/);
  assert.throws(given({ origins: ["*"] }), /is no origin/);
  for (const closed of [undefined, { origins: [] }]) assert.doesNotThrow(given(closed));
});
