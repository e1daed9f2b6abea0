import type {
  ApiKeyTraces,
  ApiKeyUsage,
  SeenNetwork,
  UsageCount,
  UsagePeriod,
  UsageQuery,
} from "../api-key-contracts.ts";
import { countsByPeriod, rememberedNetworks } from "../usage-period.ts";

interface Counts {
  readonly allowed: number;
  readonly denied: number;
}

interface Kept {
  readonly counts: Record<UsagePeriod, Map<number, Counts>>;
  /** When each was used last. */
  readonly networks: Map<string, number>;
  readonly scopes: Set<string>;
}

/** What keys are used for, beside their rows. */
export class MemoryKeyUsage {
  readonly #kept = new Map<string, Kept>();

  add({ id, hours = [], networks = [], scopes = [], lastUsedAt }: ApiKeyUsage): void {
    const kept = this.#kept.get(id) ?? empty();
    this.#kept.set(id, kept);
    for (const { period, startsAt, allowed, denied } of countsByPeriod(hours)) {
      const before = kept.counts[period].get(startsAt) ?? { allowed: 0, denied: 0 };
      kept.counts[period].set(startsAt, {
        allowed: before.allowed + allowed,
        denied: before.denied + denied,
      });
    }
    const at = lastUsedAt?.getTime() ?? 0;
    for (const network of networks) {
      if (kept.networks.has(network) || kept.networks.size < rememberedNetworks)
        kept.networks.set(network, Math.max(at, kept.networks.get(network) ?? 0));
    }
    for (const scope of scopes) kept.scopes.add(scope);
  }

  read({ id, period, from, until }: UsageQuery): readonly UsageCount[] {
    return [...(this.#kept.get(id)?.counts[period] ?? [])]
      .filter(([startsAt]) => startsAt >= from.getTime() && startsAt < until.getTime())
      .sort(([a], [b]) => a - b)
      .map(([startsAt, counts]) => ({ startsAt: new Date(startsAt), ...counts }));
  }

  traces(id: string, since: Date): ApiKeyTraces {
    const { networks, scopes } = this.#kept.get(id) ?? empty();
    const recent = [...networks.values()].filter((at) => at >= since.getTime());
    return { networks: recent.length, usedScopes: [...scopes].sort() };
  }

  networks(id: string): readonly SeenNetwork[] {
    return [...(this.#kept.get(id)?.networks ?? [])]
      .sort(([a, at], [b, bt]) => bt - at || (a < b ? -1 : 1))
      .map(([network, at]) => ({ network, lastUsedAt: new Date(at) }));
  }

  prune(hours: Date, days: Date): void {
    for (const { counts, networks } of this.#kept.values()) {
      for (const at of counts.hour.keys()) if (at < hours.getTime()) counts.hour.delete(at);
      for (const at of counts.day.keys()) if (at < days.getTime()) counts.day.delete(at);
      for (const [network, at] of networks) if (at < hours.getTime()) networks.delete(network);
    }
  }
}

function empty(): Kept {
  return { counts: { hour: new Map(), day: new Map() }, networks: new Map(), scopes: new Set() };
}
