import { z } from "zod";
import { isNetwork } from "./listen-address.ts";
import { formatSize, parseSize } from "./size.ts";
import { written } from "./written.ts";

const size = z
  .string()
  .transform((text, context) => {
    const bytes = parseSize(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: "a size such as 500MB or 2GB" });
    return z.NEVER;
  })
  .register(written, { write: formatSize });

const health = ["Check", "Watch", "List"].map((name) => `/grpc.health.v1.Health/${name}`);
/** What a page that is open asks every few seconds. */
const polled = [
  "/auth.v1.LogService/GetStatistics",
  "/auth.v1.LogService/GetTimeSeries",
  "/auth.v1.SystemService/ListNodes",
];
/** What a proxy asks about is written down, and not that it asks. */
const asking = ["/envoy.service.auth.v3.Authorization/Check"];

/** The member `request_log`, given what a duration and a procedure are. */
export function requestLogSchema(duration: z.ZodType<number, string>, procedure: z.ZodType<string, string>) {
  return z
    .strictObject({
      enabled: z.boolean().default(true).describe("whether calls are written down: see docs/request-log.md"),
      retention: duration.prefault("30d").describe("rows that are older go"),
      max_size: size
        .prefault("1GB")
        .describe("the oldest rows go when it is larger; on PostgreSQL whole days, but never the newest"),
      queue: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(20_000)
        .describe("calls that may wait to be written; what comes when so many wait is counted, and not kept"),
      exclude: z
        .array(procedure)
        .default([...health, ...asking, ...polled])
        .describe("RPCs that are not written down"),
      trusted_proxies: z
        .array(z.string().refine(isNetwork, "an address or a range, such as 10.0.0.0/8"))
        .default([])
        .describe("proxies whose `x-forwarded-for` is believed, for the address of a call"),
    })
    .prefault({});
}
