/** Settles when a condition holds, looking again in each turn of the event loop; fails if it never does. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it never came true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
