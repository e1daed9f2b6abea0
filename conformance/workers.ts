/** Runs so many workers at once; each does its work again and again until it says that there is no more. */
export async function workers(
  count: number,
  work: (worker: number) => Promise<"more" | "done">,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_none, worker) => {
      while ((await work(worker)) === "more");
    }),
  );
}
