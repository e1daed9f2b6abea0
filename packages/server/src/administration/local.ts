import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { allow, type Call, CallContext, type Principal } from "countersign";
import { createKeyDigests, type KeyDigests } from "countersign/api-key";
import {
  ApiKeyService,
  createApiKeyService,
  createUserService,
  PolicyService,
  UserService,
} from "countersign/service";
import type { Store } from "countersign/store";
import { peppersOf } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { configProblems } from "../config/production-checks.ts";
import { createPasswords } from "../passwords.ts";
import { policyService } from "../services.ts";
import type { Administration } from "./administration.ts";
import { completePolicy } from "./complete-policy.ts";

/** Whoever can open the database: more than a superuser already, and no user of it. */
const operator: Principal = Object.freeze({
  userId: "system",
  username: "local operator",
  email: undefined,
  isStaff: true,
  isSuperuser: true,
  roles: [],
  permissions: new Set<string>(),
  authenticator: "local",
  claims: {},
  apiKey: undefined,
  clientId: undefined,
});

const admitted = allow(operator, "local");

type Handler = (request: unknown, context: CallContext) => unknown;

/** Acts on a store directly, through the functions that a server acts through. Closing it closes the store. */
export function createLocalAdministration(config: Config, store: Store): Administration {
  // A running server follows the log of this store; in this process nothing has to hear of a change.
  const caughtUp = async (): Promise<void> => {};
  const { environment, prefix } = config.auth.api_keys;
  const digests = lazyDigests(config);
  const services: Readonly<Record<string, object>> = {
    [UserService.typeName]: createUserService({
      users: store.users,
      sessions: store.sessions,
      hashPassword: createPasswords().hash,
      caughtUp,
    }),
    [ApiKeyService.typeName]: createApiKeyService({
      store,
      digests,
      environment,
      format: { prefix },
      caughtUp,
    }),
    get [PolicyService.typeName]() {
      // Only for those commands that ask: a policy that cannot be is no reason not to disable a user.
      return policyService({ auth: completePolicy(config).auth, shadow: undefined, store });
    },
  };
  return {
    async call<M extends DescMethodUnary>(method: M, request: MessageInitShape<M["input"]>) {
      const handlers = services[method.parent.typeName] as Readonly<Record<string, Handler>> | undefined;
      const handler = handlers?.[method.localName];
      if (handler === undefined)
        throw new TypeError(`no handler for ${method.parent.typeName}.${method.name}`);
      const context = new CallContext(
        localCall(`/${method.parent.typeName}/${method.name}`),
        admitted,
        store.users,
      );
      const answer = await handler.call(handlers, create(method.input, request), context);
      return create(method.output, answer as MessageInitShape<DescMessage>) as MessageShape<M["output"]>;
    },
    close: () => store.close(),
  };
}

/** The digests of the configured pepper, which most commands do not need: it may be missing until then. */
export function loadDigests(config: Config): KeyDigests {
  const missing = configProblems(config).find((problem) =>
    problem.startsWith("auth.api_keys.pepper is missing"),
  );
  if (missing !== undefined) throw new ConfigError(missing);
  try {
    return createKeyDigests(peppersOf(config));
  } catch (error) {
    throw new ConfigError(`auth.api_keys: ${(error as Error).message}`);
  }
}

function lazyDigests(config: Config): KeyDigests {
  return {
    digest: (body) => loadDigests(config).digest(body),
    matches: (body, stored) => loadDigests(config).matches(body, stored),
  };
}

function localCall(procedure: string): Call {
  return {
    protocol: "grpc",
    procedure,
    header: () => [],
    peer: { address: undefined },
    signal: new AbortController().signal,
  };
}
