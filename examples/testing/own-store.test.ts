import { describe, it } from "node:test";
import { createMemoryStore } from "countersign/store/memory";
import { storeSuite } from "countersign/testing";

// In the place of createMemoryStore(): a store of your own. Each case gets a new empty one, and the clock to live by.
storeSuite(
  "my store",
  async (now) => {
    const store = createMemoryStore({ now });
    return { store, dispose: () => store.close() };
  },
  { describe, it },
);
