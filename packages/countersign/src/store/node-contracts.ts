/** A node that serves from the store, as it said of itself. */
export interface NodeRecord {
  /** Another one with each start. */
  readonly id: string;
  /** Of its machine. */
  readonly name: string;
  /** Of the program. */
  readonly version: string;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** The last entry of the revocation log that it had applied. */
  readonly revocationHead: number;
  /** How many entries more there were then. */
  readonly revocationLag: number;
  /** As of when it knew the whole log. */
  readonly revocationsKnownAt: Date;
}

/** What a node says; when it says so is the store's to know. */
export type NodeBeat = Omit<NodeRecord, "lastSeenAt">;

/** Which nodes there are. Whoever was not heard of for an hour is forgotten. */
export interface NodeStore {
  beat(node: NodeBeat): Promise<void>;
  /** By their names; equal ones by when they began. */
  list(): Promise<readonly NodeRecord[]>;
  /** Of a node that stops. */
  forget(id: string): Promise<void>;
}

/** How long a node is remembered that says nothing. */
export const keepNodesMs = 3_600_000;
