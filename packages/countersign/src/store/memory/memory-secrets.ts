import { pageLimit } from "../page-limit.ts";
import type {
  PepperUse,
  Redigested,
  Resealed,
  SealedQuery,
  SealedSecret,
  SecretMark,
  SecretStore,
} from "../secret-contracts.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";

/** Rows with something sealed. */
export interface SealedRows {
  sealed(): readonly SealedSecret[];
  /** Returns whether it was still as it was. */
  reseal(change: Resealed): boolean;
}

export interface MemorySecretsOptions {
  readonly now: () => number;
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly signingKeys: SealedRows;
  readonly imports: SealedRows;
  readonly totp: SealedRows;
  readonly apiKeys: {
    pepperUse(now: number): readonly PepperUse[];
    redigest(change: Redigested): boolean;
  };
}

export class MemorySecrets implements SecretStore {
  readonly #options: MemorySecretsOptions;
  readonly #marks = new Map<string, SecretMark>();

  constructor(options: MemorySecretsOptions) {
    this.#options = options;
  }

  async sealed({ limit, after }: SealedQuery): Promise<readonly SealedSecret[]> {
    const { signingKeys, imports, totp } = this.#options;
    const all = [...signingKeys.sealed(), ...imports.sealed(), ...totp.sealed()];
    const start =
      after === undefined ? 0 : all.findIndex((one) => one.kind === after.kind && one.id === after.id) + 1;
    return all.slice(start, start + pageLimit(limit));
  }

  async reseal(changes: readonly Resealed[], audit?: AuditEntry): Promise<number> {
    const { signingKeys, imports, totp } = this.#options;
    const rows = { "signing-key": signingKeys, import: imports, totp };
    const count = changes.filter((change) => rows[change.kind].reseal(change)).length;
    if (audit !== undefined) this.#options.audit.appendNow(audit);
    return count;
  }

  async pepperIds(): Promise<readonly string[]> {
    return this.#options.apiKeys.pepperUse(Number.NEGATIVE_INFINITY).map(({ id }) => id);
  }

  async pepperUse(now: Date): Promise<readonly PepperUse[]> {
    return this.#options.apiKeys.pepperUse(now.getTime());
  }

  async redigest(changes: readonly Redigested[]): Promise<number> {
    return changes.filter((change) => this.#options.apiKeys.redigest(change)).length;
  }

  async marks(): Promise<readonly SecretMark[]> {
    return [...this.#marks.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async mark(name: string, mark: Uint8Array): Promise<void> {
    requireStorableText("name", name);
    const known = this.#marks.get(name);
    if (known !== undefined && Buffer.compare(known.mark, mark) === 0) return;
    this.#marks.set(name, { name, mark: Uint8Array.from(mark), since: new Date(this.#options.now()) });
  }

  async unmark(names: readonly string[], audit?: AuditEntry): Promise<void> {
    for (const name of names) this.#marks.delete(name);
    if (audit !== undefined) this.#options.audit.appendNow(audit);
  }
}
