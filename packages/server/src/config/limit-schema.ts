import { z } from "zod";
import { parseDuration } from "./duration.ts";

const periods = ["hour", "day", "month"];

/** A window that slides, or a part of the calendar. */
const window = z
  .string()
  .describe(
    "of a rate a length that slides, such as 1s, 10m or 24h; of a quota `hour`, `day` or `month`, in UTC",
  );

const limit = z
  .strictObject({
    per: z
      .enum(["key", "user", "address"])
      .describe("whose calls are counted together; calls without it are not counted"),
    kind: z
      .enum(["rate", "quota"])
      .default("rate")
      .describe("a quota ends with its period, and outlives a restart"),
    limit: z.int().min(1).max(1_000_000_000).describe("so many calls"),
    window,
    methods: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("`/package.Service/Method`, `/package.Service/*` or `POST /path`; default: every call"),
  })
  .superRefine(({ kind, window: text }, context) => {
    const seconds = parseDuration(text);
    const right = kind === "quota" ? periods.includes(text) : seconds !== undefined && seconds > 0;
    if (right) return;
    const wanted = kind === "quota" ? "hour, day or month" : "a duration such as 1s, 10m or 24h";
    context.addIssue({ code: "custom", path: ["window"], message: `the window of a ${kind} is ${wanted}` });
  });

export type LimitFile = z.infer<typeof limit>;

/** `limits`: rates and quotas by name. */
export const limitsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name in lower case"), limit)
  .default({})
  .describe("how often callers may call, by name: see docs/rate-limits.md");

/** `redis`. */
export function redisSchema<S extends z.ZodType>(secret: S) {
  return z.strictObject({
    url: secret
      .optional()
      .describe("Redis or Valkey, for rates and news that nodes share: `rediss://USER:PASSWORD@HOST:PORT`"),
    prefix: z
      .string()
      .regex(/^[\w.:-]{1,64}$/, "letters, digits, and _ . : -")
      .default("countersign")
      .describe("what keys and the channel begin with: one for each installation"),
    plain_text: z
      .boolean()
      .default(false)
      .describe("in production, a redis:// URL to another machine needs this: the network is private"),
  });
}
