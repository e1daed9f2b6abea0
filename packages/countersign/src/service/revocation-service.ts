import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import type { UserSource } from "../core/user.ts";
import type {
  ApiKeyCalls,
  GetAccountRequest,
  ReportUsageRequest,
  RevocationService,
  WatchRevocationsRequest,
} from "../gen/auth/v1/revocations_pb.ts";
import type { ApiKeyStore, ApiKeyUsage } from "../store/contracts.ts";
import { accountMessage } from "./account-message.ts";
import { RevocationWatches, type RevocationWatchesOptions } from "./watch-revocations.ts";

export interface RevocationServiceOptions extends RevocationWatchesOptions {
  readonly users: UserSource;
  readonly apiKeys: Pick<ApiKeyStore, "addUsage">;
}

/** `auth.v1.RevocationService`: what guards in other processes follow and ask. */
export function createRevocationService(
  options: RevocationServiceOptions,
): ServiceHandlers<typeof RevocationService> {
  const { users, apiKeys, now = Date.now } = options;
  const watches = new RevocationWatches(options);
  return Object.freeze({
    watchRevocations({ afterSequence }: WatchRevocationsRequest, { call }: CallContext) {
      return watches.watch(position(afterSequence), call.signal);
    },
    async getAccount({ userId }: GetAccountRequest) {
      const account = await users.load(userId);
      if (account === undefined) throw new CallError("NOT_FOUND", "no such account");
      return { account: accountMessage(account) };
    },
    async reportUsage({ keys, writer, number }: ReportUsageRequest, context: CallContext) {
      if (keys.length > mostKeys)
        throw invalidArgument({ field: "keys", description: `at most ${mostKeys}` });
      const at = now();
      const usage = keys.map((calls, index) => usageOf(calls, index, at));
      await apiKeys.addUsage(usage, flushOf({ writer, number }, context.requireUser().userId));
      return {};
    },
  });
}

const mostKeys = 1000;
const mostCalls = 1_000_000_000n;

function position(after: bigint | undefined): number | undefined {
  if (after === undefined) return undefined;
  // One that cannot be is treated like one that is gone: from the beginning.
  return after < 0n || after > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(after);
}

/** Nobody can say that another one's report has come: names are those of the caller. */
function flushOf({ writer, number }: Pick<ReportUsageRequest, "writer" | "number">, userId: string) {
  if (writer === "") return undefined;
  if (!/^[\w-]{1,64}$/.test(writer))
    throw invalidArgument({ field: "writer", description: "1 to 64 letters, digits, - and _" });
  if (number < 1n || number > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalidArgument({ field: "number", description: "a number from 1 on" });
  return { writer: `${userId}/${writer}`, number: Number(number) };
}

function usageOf({ keyId, calls, lastUsedMs }: ApiKeyCalls, index: number, now: number): ApiKeyUsage {
  const field = (name: string): string => `keys[${index}].${name}`;
  const violations: FieldViolation[] = [];
  if (calls < 1n || calls > mostCalls)
    violations.push({ field: field("calls"), description: `a number from 1 to ${mostCalls}` });
  if (lastUsedMs < 0n) violations.push({ field: field("last_used_ms"), description: "not before 1970" });
  const [violation, ...more] = violations;
  if (violation !== undefined) throw invalidArgument(violation, ...more);
  const lastUsed = lastUsedMs > BigInt(Math.floor(now)) ? now : Number(lastUsedMs);
  return { id: keyId, calls: Number(calls), lastUsedAt: new Date(lastUsed) };
}
