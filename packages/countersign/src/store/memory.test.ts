import { createMemoryStore } from "./memory.ts";
import { describeStore } from "./store.suite.ts";

describeStore("memory", async (now) => {
  const store = createMemoryStore({ now });
  return { store, dispose: () => store.close() };
});
