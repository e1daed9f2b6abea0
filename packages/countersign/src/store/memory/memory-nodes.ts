import { keepNodesMs, type NodeBeat, type NodeRecord, type NodeStore } from "../node-contracts.ts";

export class MemoryNodes implements NodeStore {
  readonly #now: () => number;
  readonly #nodes = new Map<string, NodeRecord>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async beat(node: NodeBeat): Promise<void> {
    const now = this.#now();
    this.#nodes.set(node.id, Object.freeze({ ...node, lastSeenAt: new Date(now) }));
    for (const [id, { lastSeenAt }] of this.#nodes)
      if (lastSeenAt.getTime() < now - keepNodesMs) this.#nodes.delete(id);
  }

  async list(): Promise<readonly NodeRecord[]> {
    return [...this.#nodes.values()].sort(
      (a, b) =>
        (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) || a.startedAt.getTime() - b.startedAt.getTime(),
    );
  }

  async forget(id: string): Promise<void> {
    this.#nodes.delete(id);
  }
}
