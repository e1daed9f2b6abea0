import { type ClientHttp2Session, connect } from "node:http2";
import { procedure, zipf } from "./callers.ts";

/** What the load process is asked to do. */
export interface LoadOrder {
  readonly port: number;
  readonly header: string | undefined;
  readonly credentials: readonly string[];
  readonly milliseconds: number;
}

/** What came of it. */
export interface LoadResult {
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
}

const connections = 4;
const streams = 16;
const draws = 1 << 16;
const payload = Buffer.alloc(100, 0x61);
const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, payload.length]), payload]);

/** Calls over raw HTTP/2 in a closed loop: so many connections, each with so many calls in flight. */
async function run({ port, header, credentials, milliseconds }: LoadOrder): Promise<LoadResult> {
  const order = zipf(Math.max(credentials.length, 1), draws);
  const until = performance.now() + milliseconds;
  let next = 0;
  let answered = 0;
  let failed = 0;

  const call = (session: ClientHttp2Session): Promise<boolean> =>
    new Promise((resolve) => {
      const credential = credentials[order[next++ & (draws - 1)] ?? 0] ?? "";
      const stream = session.request({
        ":method": "POST",
        ":path": procedure,
        "content-type": "application/grpc",
        te: "trailers",
        ...(header !== undefined && {
          [header]: header === "authorization" ? `Bearer ${credential}` : credential,
        }),
      });
      let status: unknown;
      stream.on("response", (headers) => (status ??= headers["grpc-status"]));
      stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
      stream.on("error", () => resolve(false));
      stream.on("close", () => resolve(Number(status) === 0));
      stream.resume();
      stream.end(frame);
    });

  const loop = async (session: ClientHttp2Session): Promise<void> => {
    while (performance.now() < until) {
      if (await call(session)) answered += 1;
      else failed += 1;
    }
  };
  const start = performance.now();
  const sessions = Array.from({ length: connections }, () => connect(`http://127.0.0.1:${port}`));
  await Promise.all(sessions.flatMap((session) => Array.from({ length: streams }, () => loop(session))));
  const seconds = (performance.now() - start) / 1000;
  for (const session of sessions) session.close();
  return { answered, failed, seconds };
}

process.on("message", (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit());
