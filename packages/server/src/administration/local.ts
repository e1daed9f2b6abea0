import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  allow,
  type Call,
  CallContext,
  createRoleDirectory,
  type Principal,
  type RoleDirectory,
} from "countersign";
import { createKeyDigests, type KeyDigests } from "countersign/api-key";
import {
  ApiKeyService,
  AuditService,
  createAuditService,
  createRoleService,
  createSigningKeyService,
  PolicyService,
  RoleService,
  SigningKeyService,
  TokenService,
  UserService,
} from "countersign/service";
import type { Store } from "countersign/store";
import { peppersOf } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { configProblems } from "../config/production-checks.ts";
import { createPasswords } from "../passwords.ts";
import { knownPermissions } from "../policy/known-permissions.ts";
import { apiKeyService, policyService, tokenService, userService } from "../services.ts";
import { readSigning, signingOf } from "../signing.ts";
import { note } from "../terminal/output.ts";
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
  let reading: Promise<RoleDirectory> | undefined;
  const directory = (): Promise<RoleDirectory> => {
    reading ??= createRoleDirectory({ source: store.roles });
    return reading;
  };
  // A running server follows the log of this store; in this process only roles are kept.
  const caughtUp = async (): Promise<void> => (await directory()).reload();
  const digests = lazyDigests(config);
  // Each is made when it is asked for: most commands do without a master key.
  const services: Readonly<Record<string, (roles: RoleDirectory) => object | Promise<object>>> = {
    [UserService.typeName]: (roles) =>
      userService({ store, roles, hashPassword: createPasswords().hash, caughtUp }),
    [ApiKeyService.typeName]: (roles) => apiKeyService({ config, store, roles, digests, caughtUp }),
    [RoleService.typeName]: (roles) => createRoleService({ store, roles, caughtUp }),
    [SigningKeyService.typeName]: () =>
      createSigningKeyService({ keys: signingOf(config, store, warn).managed, caughtUp }),
    [TokenService.typeName]: async (roles) => {
      const signing = signingOf(config, store);
      await readSigning(signing);
      return tokenService({ config, store, roles, signing });
    },
    [AuditService.typeName]: () => createAuditService(store),
    // Only for those commands that ask: a policy that cannot be is no reason not to disable a user.
    [PolicyService.typeName]: async (roles) => {
      const { auth } = completePolicy(config, { permissions: await knownPermissions(store.roles) });
      return policyService({ auth, shadow: undefined, store, roles });
    },
  };
  const begin = async <M extends DescMethodUnary | DescMethodServerStreaming>(
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<unknown> => {
    const handlers = (await services[method.parent.typeName]?.(await directory())) as
      | Readonly<Record<string, Handler>>
      | undefined;
    const handler = handlers?.[method.localName];
    if (handler === undefined) throw new TypeError(`no handler for ${method.parent.typeName}.${method.name}`);
    const call = localCall(`/${method.parent.typeName}/${method.name}`);
    const context = new CallContext(call, admitted, store.users);
    return handler.call(handlers, create(method.input, request), context);
  };
  return {
    async call<M extends DescMethodUnary>(method: M, request: MessageInitShape<M["input"]>) {
      const answer = await begin(method, request);
      return create(method.output, answer as MessageInitShape<DescMessage>) as MessageShape<M["output"]>;
    },
    async *stream<M extends DescMethodServerStreaming>(method: M, request: MessageInitShape<M["input"]>) {
      const answers = (await begin(method, request)) as AsyncIterable<MessageInitShape<DescMessage>>;
      for await (const answer of answers) yield create(method.output, answer) as MessageShape<M["output"]>;
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

function warn(error: unknown): void {
  note(`countersign: ${(error as Error).message}`);
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
