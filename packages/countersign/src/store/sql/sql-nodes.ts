import { keepNodesMs, type NodeBeat, type NodeRecord, type NodeStore } from "../node-contracts.ts";
import type { SqlBackend } from "./sql-backend.ts";

export class SqlNodes implements NodeStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async beat({ id, ...node }: NodeBeat): Promise<void> {
    const now = this.#now();
    const columns = {
      name: node.name,
      version: node.version,
      started_at: node.startedAt.getTime(),
      last_seen_at: now,
      grpc_address: node.grpcAddress,
      http_address: node.httpAddress,
      revocation_head: node.revocationHead,
      revocation_lag: node.revocationLag,
      revocations_known_at: node.revocationsKnownAt.getTime(),
    };
    await this.#backend.write(async (trx) => {
      await trx
        .insertInto("nodes")
        .values({ id, ...columns })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(columns))
        .execute();
      await trx
        .deleteFrom("nodes")
        .where("last_seen_at", "<", now - keepNodesMs)
        .execute();
    });
  }

  async list(): Promise<readonly NodeRecord[]> {
    const rows = await this.#backend.reader
      .selectFrom("nodes")
      .selectAll()
      .orderBy("name")
      .orderBy("started_at")
      .execute();
    return rows.map((row) =>
      Object.freeze({
        id: row.id,
        name: row.name,
        version: row.version,
        startedAt: new Date(Number(row.started_at)),
        lastSeenAt: new Date(Number(row.last_seen_at)),
        grpcAddress: row.grpc_address,
        httpAddress: row.http_address,
        revocationHead: Number(row.revocation_head),
        revocationLag: Number(row.revocation_lag),
        revocationsKnownAt: new Date(Number(row.revocations_known_at)),
      }),
    );
  }

  async forget(id: string): Promise<void> {
    await this.#backend.write((trx) => trx.deleteFrom("nodes").where("id", "=", id).execute());
  }
}
