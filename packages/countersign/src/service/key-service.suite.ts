import assert from "node:assert/strict";
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { principalOf } from "../authenticator/account.ts";
import { CallContext } from "../context/call-context.ts";
import { callLimitOf } from "../core/call-allowance.ts";
import { CallError } from "../core/call-error.ts";
import { allow } from "../core/decision.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createApiKeyService } from "./api-key-service.ts";

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/** The key service over a store in memory, with a clock that a test moves. */
export async function keyService() {
  const clock = { ms: 1_800_000_000_000 };
  const store = createMemoryStore({ now: () => clock.ms });
  const roles = await createRoleDirectory({ source: store.roles });
  const caughtUp = async (): Promise<void> => roles.reload();
  const digests = createKeyDigests([{ id: "p1", secret: new Uint8Array(32).fill(7) }]);
  const service = createApiKeyService({
    ...{ store, roles, digests, caughtUp },
    environment: "dev",
    linkBase: () => "https://auth.example.com",
    sealSecret: (secret) => secret,
    now: () => new Date(clock.ms),
  }) as unknown as Readonly<Record<string, Handler>>;

  async function call<M extends DescMethodUnary>(
    caller: Principal,
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<MessageShape<M["output"]>> {
    const context = new CallContext(fakeCall("/"), allow(caller, caller.authenticator), undefined);
    const answer = await service[method.localName]?.(create(method.input, request), context);
    return create(method.output, answer as MessageInitShape<M["output"]>) as MessageShape<M["output"]>;
  }

  /** `ok`, or what stands against it. */
  async function outcome<M extends DescMethodUnary>(...args: Parameters<typeof call<M>>): Promise<string> {
    try {
      await call(...args);
      return "ok";
    } catch (error) {
      if (error instanceof Refusal) return error.denial.reason;
      if (!(error instanceof CallError)) throw error;
      return [error.status, ...error.violations.map(({ field }) => field)].join(" ");
    }
  }

  const user = async (id: string): Promise<Principal> =>
    principalOf((await store.users.load(id)) ?? assert.fail(), { authenticator: "jwt" }, roles);

  /** Whoever came with a stored key. */
  async function holder(id: string): Promise<Principal> {
    const record: ApiKeyRecord = (await store.apiKeys.load(id)) ?? assert.fail(id);
    const owner = (await store.users.load(record.userId)) ?? assert.fail();
    const { name, type, scopes, roles: limited, callLimits } = record;
    const apiKey = { id, name, type, scopes, roles: limited, callLimits: callLimits.map(callLimitOf) };
    return principalOf(owner, { authenticator: "api_key", apiKey }, roles);
  }

  return { clock, store, roles, digests, caughtUp, call, outcome, user, holder };
}
