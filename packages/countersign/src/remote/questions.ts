import { timestampDate } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import type { GoodKey, KeyLookup, NoKey } from "../authenticator/key-lookup.ts";
import { allowancePeriods, type CallAllowance } from "../core/call-allowance.ts";
import type { Reason } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { RevocationView } from "../core/revocation.ts";
import { isForService } from "../core/service-scope.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { type ApiKeyResponse, AuthService, type KeyAllowance } from "../gen/auth/v1/auth_pb.ts";
import { RevocationService } from "../gen/auth/v1/revocations_pb.ts";
import type { ParsedApiKey } from "../keys/key-format.ts";
import { accountOf } from "../service/account-message.ts";
import type { ApiKeyUsage, UsageFlush } from "../store/contracts.ts";
import { type Connection, RemoteUnavailable } from "./connection.ts";

export interface QuestionsOptions {
  /** The connection as it is now. Throws `RemoteUnavailable` while there is none. */
  readonly connection: () => Connection;
  readonly revocations: Pick<RevocationView, "version">;
  readonly serviceName: string;
  readonly timeoutMs: number;
}

/** What the server is asked about credentials that are not remembered. */
export class Questions implements UserSource, KeyLookup {
  readonly #options: QuestionsOptions;
  readonly #accounts = new Shared<UserAccount | undefined>();
  readonly #keys = new Shared<GoodKey | NoKey>();

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  load(userId: string): Promise<UserAccount | undefined> {
    const { version } = this.#options.revocations;
    return this.#accounts.ask(`${version} ${userId}`, () => this.#account(userId));
  }

  find(_parsed: ParsedApiKey, text: string): Promise<GoodKey | NoKey> {
    const { version } = this.#options.revocations;
    return this.#keys.ask(`${version} ${text}`, () => this.#key(text));
  }

  refuses(principal: Principal): Reason | undefined {
    return isForService(principal, this.#options.serviceName) ? undefined : "PERMISSION_DENIED";
  }

  /** Resolves when these calls are counted. */
  async addUsage(usage: readonly ApiKeyUsage[], flush?: UsageFlush): Promise<void> {
    const keys = usage.flatMap(({ id, calls, lastUsedAt }) =>
      lastUsedAt === undefined
        ? []
        : [{ keyId: id, calls: BigInt(calls), lastUsedMs: BigInt(lastUsedAt.getTime()) }],
    );
    const { connection, timeoutMs } = this.#options;
    const report = flush && { writer: flush.writer, number: BigInt(flush.number) };
    await connection().ask(RevocationService.method.reportUsage, { keys, ...report }, timeoutMs);
  }

  async #account(userId: string): Promise<UserAccount | undefined> {
    const { connection, timeoutMs } = this.#options;
    try {
      const { account } = await connection().ask(RevocationService.method.getAccount, { userId }, timeoutMs);
      if (account === undefined) throw new RemoteUnavailable("the server's answer has no account");
      return accountOf(account);
    } catch (error) {
      if (error instanceof RemoteUnavailable && error.code === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  async #key(apiKey: string): Promise<GoodKey | NoKey> {
    const { connection, serviceName, timeoutMs } = this.#options;
    const request = { apiKey, serviceName, detailed: true };
    return keyOf(await connection().ask(AuthService.method.validateApiKey, request, timeoutMs));
  }
}

const refusals: ReadonlySet<string> = new Set<Reason>([
  "API_KEY_INVALID",
  "API_KEY_EXPIRED",
  "API_KEY_REVOKED",
  "API_KEY_DISABLED",
  "USER_DISABLED",
]);

function isRefusal(reason: string): reason is Reason {
  return refusals.has(reason);
}

/** An answer that is not understood is no answer. */
function keyOf({ valid, expiresAt, details }: ApiKeyResponse): GoodKey | NoKey {
  if (details === undefined) throw new RemoteUnavailable("the server tells no details of keys: is it older?");
  const { reason, id, name, type, scopes, roles, owner } = details;
  if (!valid) {
    if (!isRefusal(reason))
      throw new RemoteUnavailable("the server refused a key with a reason that is not known");
    return { ok: false, reason, ...(id !== "" && { subject: { apiKeyId: id } }) };
  }
  if (owner === undefined || id === "") throw new RemoteUnavailable("the server's answer has no owner");
  const key = {
    ...{ id, name, type, scopes, roles },
    expiresAt: expiresAt && timestampDate(expiresAt),
    graceEndsAt: details.graceEndsAt && timestampDate(details.graceEndsAt),
    addressRanges: details.addressRanges,
    methods: details.methods,
    callLimits: details.limits.map(allowanceOf),
  };
  return { ok: true, key, owner: accountOf(owner) };
}

function allowanceOf({ calls, per: told }: KeyAllowance): CallAllowance {
  const per = allowancePeriods.find((period) => period === told);
  // A limit that is not understood must not be taken for none.
  if (per === undefined) throw new RemoteUnavailable("the server limits a key in a way that is not known");
  return { calls: Number(calls), per };
}

/** Who asks the same thing while the answer is on its way waits for that one. */
class Shared<T> {
  readonly #pending = new Map<string, Promise<T>>();

  /** `key` has the version of the revocations: an answer that was begun before a change is not for who asks after it. */
  ask(key: string, question: () => Promise<T>): Promise<T> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const answer = question().finally(() => this.#pending.delete(key));
    this.#pending.set(key, answer);
    return answer;
  }
}
