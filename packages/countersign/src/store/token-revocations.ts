import cluster from "node:cluster";
import { everyone } from "../core/cuts.ts";
import {
  createRevocations,
  type RevocationEvent,
  type Revocations,
  type RevocationView,
} from "../core/revocation.ts";
import type { RevocationLog } from "./contracts.ts";
import { createRevocationFollower, type RevocationFollowerOptions } from "./revocation-follower.ts";

/** What a logout needs of a token: its claims, as `principal.claims` has them. */
export interface RevocableClaims {
  readonly jti?: unknown;
  readonly exp?: unknown;
  readonly iss?: unknown;
}

/** What was revoked, for `createAuth({ revocations })`, and the way to revoke. */
export interface TokenRevocations extends RevocationView {
  /**
   * Refuses this token from now on, until it would have expired by itself. Throws a `TypeError` for one without `jti` or `exp`:
   * ask for both with `requiredClaims`.
   */
  revokeToken(claims: RevocableClaims): Promise<void>;
  /** Refuses every token of a user that was issued until the end of this second; `until`: when the last of them has expired. */
  revokeUser(userId: string, until: Date): Promise<void>;
  /** Ends following, where there is something to follow. */
  close(): Promise<void>;
}

export interface MemoryRevocationsOptions {
  /** How many processes share this configuration. Default: 1, or more than that in a worker of `node:cluster`. */
  readonly processes?: number | undefined;
  /** Told once, where there are several. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

const notShared =
  "revocations are kept in the memory of this process, and others that share its configuration do not know of them: use sqlRevocations()";

/** Kept in this process: gone when it ends, and unknown to every other one. For development, and for a single process. */
export function memoryRevocations(options: MemoryRevocationsOptions = {}): TokenRevocations {
  const { processes = cluster.isWorker ? 2 : 1, onWarning = warn } = options;
  if (!Number.isSafeInteger(processes) || processes < 1)
    throw new TypeError("processes must be a number of processes");
  if (processes > 1) onWarning(notShared);
  const view = createRevocations();
  const timer = setInterval(() => view.prune(Date.now() / 1000), pruneEveryMs).unref();
  return withView(view, {
    record: async (event) => view.apply(event),
    close: async () => clearInterval(timer),
  });
}

const pruneEveryMs = 60_000;

function warn(message: string): void {
  process.emitWarning(message, { type: "CountersignWarning", code: "COUNTERSIGN_REVOCATIONS_NOT_SHARED" });
}

export interface SqlRevocationsOptions
  extends Pick<RevocationFollowerOptions, "pollEveryMs" | "staleAfterMs" | "onError"> {
  /** `store.revocations` of a store that every process opens. */
  readonly log: RevocationLog;
}

/**
 * Kept in a store, and followed by every process that opens it: at once in this one, in others at their next poll (500 ms). A
 * process that is cut off from the store for too long (30 s) refuses everybody. Resolves when all that is live is known.
 */
export async function sqlRevocations(options: SqlRevocationsOptions): Promise<TokenRevocations> {
  const { log, ...rest } = options;
  const view = createRevocations();
  const follower = createRevocationFollower({ log, view, ...rest });
  await follower.start();
  return withView(view, {
    record: async (event) => {
      await log.append([event]);
      await follower.catchUp();
    },
    close: () => follower.stop(),
  });
}

interface Keeper {
  readonly record: (event: RevocationEvent) => Promise<void>;
  readonly close: () => Promise<void>;
}

function withView(view: Revocations, { record, close }: Keeper): TokenRevocations {
  // The view itself, and no other object around it: its version is read at every call.
  return Object.assign(view, {
    revokeToken: async (claims: RevocableClaims) => record(tokenEvent(claims)),
    async revokeUser(userId: string, until: Date) {
      // Whoever calls themselves that must not log out all others.
      if (userId === everyone) throw new TypeError(`no user has the id ${JSON.stringify(everyone)}`);
      const before = Math.floor(Date.now() / 1000) + 1;
      await record({ kind: "issued-before", userId, before, expiresAt: Math.ceil(until.getTime() / 1000) });
    },
    close,
  });
}

function tokenEvent({ jti, exp, iss }: RevocableClaims): RevocationEvent {
  if (typeof jti !== "string" || jti === "" || typeof exp !== "number" || !Number.isFinite(exp))
    throw new TypeError("a token can be revoked by itself only if it has jti and exp");
  return { kind: "token", issuer: typeof iss === "string" ? iss : "", jti, expiresAt: exp };
}
