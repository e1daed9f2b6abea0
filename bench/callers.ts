import { randomBytes } from "node:crypto";
import {
  type Auth,
  type AuthOptions,
  type Call,
  createAuth,
  type Principal,
  policyFor,
  type UserAccount,
} from "countersign";
import { apiKey, createKeyDigests, generateApiKey, type Pepper } from "countersign/api-key";
import { createJwtForUser, createKeyRing, hmacKey, jwt } from "countersign/jwt";
import { createLimiter } from "countersign/limits";
import type { ApiKeyRecord } from "countersign/store";

/** The secret of every HS256 token here. */
export const secret = randomBytes(32);
export const pepper: Pepper = { id: "bench", secret: randomBytes(32) };
export const procedure = "/bench.Echo/Say";

/** Counts what a warm decision must not do. */
export const storeReads = { users: 0, keys: 0 };

/** Users, tokens and keys of a number of callers. */
export interface Callers {
  readonly tokens: readonly string[];
  readonly keys: readonly string[];
  readonly auth: Auth<Principal>;
  /** The same with a rate for each user, counted in memory. */
  readonly limited: Auth<Principal>;
}

/** Makes callers and an `Auth` that knows them all. `known`: tokens that another one has made here. */
export function makeCallers(
  count: number,
  more: Pick<AuthOptions<Principal>, "onCallEnd" | "revocations"> = {},
  known: readonly string[] = [],
): Callers {
  const signing = hmacKey({ secret, algorithm: "HS256" });
  const digests = createKeyDigests([pepper]);
  const records = new Map<string, ApiKeyRecord>();
  const tokens: string[] = [];
  const keys: string[] = [];
  for (let id = 1; id <= count; id++) {
    tokens.push(known[id - 1] ?? createJwtForUser(account(String(id)), { key: signing, expiresIn: 3600 }));
    const fresh = generateApiKey("bench");
    keys.push(fresh.key);
    records.set(fresh.id, {
      ...keyDefaults,
      ...digests.digest(fresh.body),
      id: fresh.id,
      userId: String(id),
    });
  }
  const users = { load: (id: string) => counted("users", account(id)) };
  const source = { load: (id: string) => counted("keys", records.get(id)) };
  const options: AuthOptions<Principal> = {
    authenticators: [
      jwt({ keys: createKeyRing([signing]), users }),
      apiKey({ keys: source, users, peppers: [pepper] }),
    ],
    policy: [policyFor<Principal>().rules({ say: { path: procedure } }, { say: "authenticated" })],
    ...more,
  };
  const rate = { kind: "rate", name: "calls", per: "user", limit: 1_000_000_000, windowSeconds: 60 } as const;
  const limited = createAuth({ ...options, limits: createLimiter({ limits: [rate] }) });
  return { tokens, keys, auth: createAuth(options), limited };
}

function counted<T>(store: keyof typeof storeReads, answer: T): T {
  storeReads[store] += 1;
  return answer;
}

const keyDefaults = {
  name: "bench",
  description: "",
  type: "service",
  scopes: [],
  roles: [],
  createdAt: new Date(),
  expiresAt: undefined,
  disabledAt: undefined,
  revokedAt: undefined,
  revokedReason: undefined,
  revokedBy: undefined,
  lastUsedAt: undefined,
  totalRequests: 0,
  madeBy: undefined,
  tenantId: undefined,
  prefix: "",
  addressRanges: [],
  methods: [],
  callLimits: [],
  tags: [],
  updatedAt: undefined,
  rotatedAt: undefined,
  graceEndsAt: undefined,
  replacedBy: undefined,
  replaces: undefined,
  lastUsedAddress: undefined,
  lastUsedAgent: undefined,
} as const;

function account(id: string): UserAccount {
  const username = `user-${id}`;
  const email = `${username}@example.com`;
  const rights = { isActive: true, isStaff: false, isSuperuser: false, roles: ["reader"], permissions: [] };
  return { id, username, email, ...rights };
}

/** Indexes of callers as they come in life: a few call often, most seldom (Zipf with exponent 1). */
export function zipf(count: number, draws: number): Uint32Array {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) cumulative[rank] = sum += 1 / (rank + 1);
  // The ranks are spread over the callers, so that neighbours in memory are not neighbours in rank.
  const order = shuffled(count);
  return Uint32Array.from({ length: draws }, () => order[lowerBound(cumulative, Math.random() * sum)] ?? 0);
}

function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    const swap = order[index] ?? 0;
    order[index] = order[other] ?? 0;
    order[other] = swap;
  }
  return order;
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Texts as a server receives them: made anew from bytes each time, so that nothing about them is cached. */
export class Wire {
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;

  constructor(texts: readonly string[]) {
    this.#bytes = Buffer.from(texts.join(""), "latin1");
    let end = 0;
    this.#ends = Uint32Array.from(texts, (text) => (end += text.length));
  }

  receive(index: number): string {
    return this.#bytes.toString("latin1", index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }
}

/** A call with one credential, as cheap as a call can be. */
export class BenchCall implements Call {
  readonly protocol = "grpc";
  readonly procedure: string;
  readonly peer = { address: undefined };
  readonly #name: string;
  readonly #values: readonly string[];

  constructor(path: string, name: string, value: string) {
    this.procedure = path;
    this.#name = name;
    this.#values = [value];
  }

  header(name: string): readonly string[] {
    return name === this.#name ? this.#values : none;
  }

  get signal(): AbortSignal {
    return AbortSignal.abort();
  }
}

const none: readonly string[] = [];
