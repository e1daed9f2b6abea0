/** Tells a hook, at once. One that throws or rejects changes nothing. */
export async function tell<A>(hook: ((given: A) => unknown) | undefined, given: A): Promise<void> {
  try {
    await hook?.(given);
  } catch {
    // Its own business.
  }
}
