import { createRevocations } from "countersign";
import { createRevocationFollower } from "countersign/store";
import { openPostgresStore } from "countersign/store/postgres";

/** What a node of the benchmark is told. */
export type NodeOrder =
  | { readonly kind: "look-ups" | "writes"; readonly milliseconds: number; readonly ids: readonly string[] }
  /** Tell when a session is refused here. */
  | { readonly kind: "watch"; readonly sessionId: string };

export interface NodeAnswer {
  readonly count: number;
  /** Milliseconds since the epoch, with fractions: of when it was done. */
  readonly at: number;
}

const url = process.argv[2] ?? "";
const store = await openPostgresStore({ database: url });
const view = createRevocations();
const follower = createRevocationFollower({ log: store.revocations, view });
await follower.start();
const inFlight = 8;

async function run(order: NodeOrder): Promise<number> {
  if (order.kind === "watch") {
    await new Promise<void>((resolve) => {
      const stop = view.onChange(() => {
        if (view.check({ sessionId: order.sessionId }, view.version) === "good") return;
        stop();
        resolve();
      });
      if (view.check({ sessionId: order.sessionId }, view.version) !== "good") resolve();
    });
    return 1;
  }
  const until = performance.now() + order.milliseconds;
  let count = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      if (order.kind === "look-ups") await store.apiKeys.load(order.ids[count % order.ids.length] ?? "");
      else await store.users.update("1", { attributes: { note: String(count) } });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return count;
}

process.on("message", (order: NodeOrder) => {
  void run(order).then((count) =>
    process.send?.({ count, at: performance.timeOrigin + performance.now() } satisfies NodeAnswer),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ count: 0, at: 0 } satisfies NodeAnswer);
