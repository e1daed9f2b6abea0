import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { RevocationFeed } from "countersign";
import type { NodeRecord, Store } from "countersign/store";
import { programVersion } from "./program-version.ts";
import { regularly } from "./regularly.ts";

const beatEveryMs = 10_000;
/** A node that said nothing for so long has missed two beats. */
const silentAfterMs = 30_000;

export interface HeartbeatParts {
  readonly id: string;
  readonly store: Pick<Store, "nodes" | "revocations">;
  readonly feed: Pick<RevocationFeed, "head" | "knownAt">;
  readonly addresses: Pick<NodeRecord, "grpcAddress" | "httpAddress">;
  readonly onError: (error: unknown) => void;
}

export function newNodeId(): string {
  return randomUUID();
}

/** Lets the others know, every ten seconds, that this node is there and how far it is with revocations. */
export function startHeartbeat({ id, store, feed, addresses, onError }: HeartbeatParts): {
  stop(): Promise<void>;
} {
  const known = { id, name: hostname(), version: programVersion(), startedAt: new Date(), ...addresses };
  const beating = regularly(
    beatEveryMs,
    async () => {
      const last = await store.revocations.head();
      await store.nodes.beat({
        ...known,
        revocationHead: feed.head,
        revocationLag: Math.max(0, last - feed.head),
        revocationsKnownAt: new Date(Date.now() - Math.max(0, performance.now() - feed.knownAt)),
      });
    },
    onError,
  );
  return {
    async stop() {
      await beating.stop();
      await store.nodes.forget(id).catch(onError);
    },
  };
}

/** What there is to say of a node now. */
export interface SeenNode extends NodeRecord {
  readonly isSilent: boolean;
}

/** The nodes, and the end of the log that they follow. */
export async function readNodes(
  store: Pick<Store, "nodes" | "revocations">,
  now = Date.now(),
): Promise<{ readonly nodes: readonly SeenNode[]; readonly head: number }> {
  const nodes = await store.nodes.list();
  const head = await store.revocations.head();
  return {
    head,
    nodes: nodes.map((node) => {
      const isSilent = now - node.lastSeenAt.getTime() > silentAfterMs;
      const revocationLag = isSilent ? Math.max(0, head - node.revocationHead) : node.revocationLag;
      return { ...node, isSilent, revocationLag };
    }),
  };
}
