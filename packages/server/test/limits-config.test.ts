import { deepEqual, equal, match, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { configurationProblems } from "../src/administration/configuration-report.ts";
import { type Config, loadConfig } from "../src/config/config.ts";
import { ConfigError } from "../src/config/config-error.ts";
import { limitRulesOf } from "../src/limits.ts";
import { scratchFolder } from "./program.ts";

function configOf(text: string, env: Readonly<Record<string, string>> = {}): Config {
  const file = join(scratchFolder(), "countersign.yaml");
  writeFileSync(file, `environment: development\n${text}\n`);
  return loadConfig({ file, env: { COUNTERSIGN_DATA: scratchFolder(), ...env }, createSecrets: true });
}

describe("limits in the configuration", () => {
  it("are read by name", async () => {
    const config = configOf(`limits:
  requests: { per: key, limit: 100, window: 1m }
  exports: { per: user, kind: quota, limit: 5, window: month, methods: [/api.users.UserService/*] }`);
    deepEqual(limitRulesOf(config), [
      { name: "requests", per: "key", kind: "rate", limit: 100, windowSeconds: 60 },
      {
        name: "exports",
        per: "user",
        kind: "quota",
        limit: 5,
        period: "month",
        methods: ["/api.users.UserService/*"],
      },
    ]);
    deepEqual(await configurationProblems(config), []);
  });

  for (const [what, text, message] of [
    [
      "a window that is none",
      "x: { per: key, limit: 1, window: soon }",
      /limits\.x\.window: the window of a rate is/,
    ],
    [
      "an empty window",
      "x: { per: key, limit: 1, window: 0s }",
      /limits\.x\.window: the window of a rate is/,
    ],
    [
      "a rate by the month",
      "x: { per: key, limit: 1, window: month }",
      /limits\.x\.window: the window of a rate is/,
    ],
    [
      "a quota that slides",
      "x: { per: key, kind: quota, limit: 1, window: 1h }",
      /limits\.x\.window: the window of a quota is hour, day or month/,
    ],
    ["nobody's", "x: { limit: 1, window: 1s }", /limits\.x\.per/],
    ["nothing", "x: { per: key, limit: 0, window: 1s }", /limits\.x\.limit/],
    ["a name in capitals", "X: { per: key, limit: 1, window: 1s }", /limits\.X/],
    ["a misspelt member", "x: { per: key, limit: 1, window: 1s, method: [] }", /limits\.x/],
  ] as const)
    it(`are refused: ${what}`, () => {
      throws(
        () => configOf(`limits: { ${text} }`),
        (error: Error) => {
          match(error.message, message);
          return error instanceof ConfigError;
        },
      );
    });

  for (const [method, problem] of [
    [
      "/api.users.UserService/Uplaod",
      /the limit "x" names \/api\.users\.UserService\/Uplaod, which is not served/,
    ],
    ["Upload", /limits: the limit "x": "Upload" is no method/],
  ] as const)
    it(`stop the start with a method that is none: ${method}`, async () => {
      const config = configOf(`limits: { x: { per: key, limit: 1, window: 1s, methods: [${method}] } }`);
      const [first = "", ...more] = await configurationProblems(config);
      match(first, problem);
      equal(more.length, 0);
    });
});

describe("redis in the configuration", () => {
  const problems = async (url: string, text = ""): Promise<readonly string[]> => {
    const config = configOf(text, { COUNTERSIGN_REDIS_URL: url });
    const found = await configurationProblems({ ...config, environment: "production" });
    return found.filter((problem) => problem.startsWith("redis"));
  };

  it("is TLS to other machines, unless it is said that it need not be", async () => {
    deepEqual(await problems("rediss://user:secret@cache.example.org"), []);
    deepEqual(await problems("redis://user:secret@127.0.0.1"), []);
    deepEqual(await problems("redis://user:secret@cache.example.org", "redis: { plain_text: true }"), []);
    match((await problems("redis://user:secret@cache.example.org")).join(), /plain text: write rediss:\/\//);
    match(
      (await problems("http://user:secret@cache.example.org")).join(),
      /^redis\.url: a Redis URL is like [^s]*rediss/,
    );
  });

  it("is not shown", () => {
    const { redis } = configOf("", { COUNTERSIGN_REDIS_URL: "redis://user:secret@127.0.0.1" });
    deepEqual(redis, { prefix: "countersign", plain_text: false });
  });
});
