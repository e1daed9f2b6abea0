import {
  create,
  type DescMessage,
  type DescMethod,
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
  createLogService,
  createRoleService,
  createSigningKeyService,
  createTenantService,
  LimitService,
  LogService,
  PolicyService,
  RoleService,
  SigningKeyService,
  SystemService,
  TenantService,
  TokenService,
  UserService,
} from "countersign/service";
import type { RequestLog, Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { formatAddress } from "../config/listen-address.ts";
import { configProblems } from "../config/production-checks.ts";
import { servedBy } from "../descriptors.ts";
import { linkBase } from "../listen/key-reveal.ts";
import { createPasswords } from "../passwords.ts";
import { knownPermissions } from "../policy/known-permissions.ts";
import { openRequestLog } from "../requests/requests.ts";
import { adoptMasterKey } from "../secrets/known-secrets.ts";
import { apiKeyService, limitService, policyService, tokenService, userService } from "../services.ts";
import { readSigning, signingOf } from "../signing.ts";
import { peppersOf } from "../stored-keys.ts";
import { createSystemService } from "../system-service.ts";
import { note } from "../terminal/output.ts";
import type { Administration } from "./administration.ts";
import { localLimits } from "./local-limits.ts";

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

function signingKeyService(config: Config, store: Store, caughtUp: () => Promise<void>) {
  return createSigningKeyService({ keys: signingOf(config, store, warn).managed, caughtUp });
}

function systemService(config: Config, store: Store) {
  return createSystemService(config, { services: () => servedBy(config), store });
}

/** Only for those commands that ask: a policy that cannot be is no reason not to disable a user. */
async function rulesService(config: Config, store: Store, roles: RoleDirectory) {
  const { completePolicy } = await import("./complete-policy.ts");
  const { auth } = await completePolicy(config, { permissions: await knownPermissions(store.roles) });
  return policyService({ auth, shadow: undefined, store, roles });
}

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
  let requests: RequestLog | undefined;
  const counted = localLimits(config, store);
  // Each is made when it is asked for: most commands do without a master key.
  const services: Readonly<Record<string, (roles: RoleDirectory) => object | Promise<object>>> = {
    [UserService.typeName]: (roles) =>
      userService({ config, store, roles, hashPassword: createPasswords().hash, caughtUp }),
    [ApiKeyService.typeName]: (roles) =>
      apiKeyService({ config, store, roles, digests, caughtUp, linkBase: () => usualBase(config) }),
    [RoleService.typeName]: (roles) => createRoleService({ store, roles, caughtUp }),
    [SystemService.typeName]: () => systemService(config, store),
    [TenantService.typeName]: () => createTenantService({ tenants: store.tenants, caughtUp }),
    [SigningKeyService.typeName]: () => signingKeyService(config, store, caughtUp),
    [TokenService.typeName]: async (roles) => {
      const signing = signingOf(config, store);
      await readSigning(signing);
      return tokenService({ config, store, roles, signing });
    },
    // Also where none is written any more: what there is can be looked at.
    [LogService.typeName]: async () => {
      requests ??= await openRequestLog(config);
      return createLogService({ requests });
    },
    [LimitService.typeName]: async () => limitService({ config, store, limits: await counted.limits() }),
    [AuditService.typeName]: () => createAuditService(store),
    [PolicyService.typeName]: (roles) => rulesService(config, store, roles),
  };
  const perform = async <M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const handlers = (await services[method.parent.typeName]?.(await directory())) as
      | Readonly<Record<string, Handler>>
      | undefined;
    const handler = handlers?.[method.localName];
    if (handler === undefined) throw new TypeError(`no handler for ${method.parent.typeName}.${method.name}`);
    const call = localCall(`/${method.parent.typeName}/${method.name}`, signal);
    const context = new CallContext(call, admitted, store.users);
    return handler.call(handlers, create(method.input, request), context);
  };
  return {
    async call<M extends DescMethodUnary>(method: M, request: MessageInitShape<M["input"]>) {
      const answer = (await perform(method, request)) as MessageInitShape<DescMessage>;
      // Whoever begins anew may have lost the master key of before.
      if (method.name === SigningKeyService.method.rotateSigningKey.name && removesOthers(request))
        await adoptMasterKey(config, store.secrets);
      return create(method.output, answer) as MessageShape<M["output"]>;
    },
    stream: (method, request, signal) => messagesOf(method, perform(method, request, signal)),
    close: () => closeAll(requests, counted, store),
  };
}

async function closeAll(...parts: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  for (const part of parts) await part?.close();
}

function removesOthers(request: object): boolean {
  return (request as { readonly removeOthers?: unknown }).removeOthers === true;
}

/** What a handler yields, as messages. */
async function* messagesOf<M extends DescMethod>(
  { output }: M,
  answers: Promise<unknown>,
): AsyncGenerator<MessageShape<M["output"]>> {
  for await (const answer of (await answers) as AsyncIterable<MessageInitShape<DescMessage>>)
    yield create(output, answer) as MessageShape<M["output"]>;
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
    digests: (body) => loadDigests(config).digests(body),
    matches: (body, stored) => loadDigests(config).matches(body, stored),
  };
}

/** Where the server of this configuration is, if it does not take any free port. */
function usualBase(config: Config): string | undefined {
  const { listen } = config.http;
  return linkBase(config, listen.port === 0 ? "" : formatAddress(listen));
}

function warn(error: unknown): void {
  note(`countersign: ${(error as Error).message}`);
}

function localCall(procedure: string, signal = new AbortController().signal): Call {
  return {
    protocol: "grpc",
    procedure,
    header: () => [],
    peer: { address: undefined },
    signal,
  };
}
