import { join } from "node:path";
import type { RequestRecord } from "countersign/store";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import { ids } from "../cast.ts";
import { openServerStore } from "../server-store.ts";
import type { AdminStage } from "./admin-stage.ts";

// An installation as it looks after some weeks: people, services with their keys, and calls that went well and badly. People and
// keys are made, and the last calls called, through the program; what happened on the days before is written beside it.

const hour = 3_600_000;
const day = 24 * hour;

interface Service {
  readonly name: string;
  readonly owner: string;
  readonly type: string;
  /** Calls in an hour of the day, on average. */
  readonly busy: number;
  readonly agent: string;
  readonly from: string;
  readonly days?: number;
  readonly scopes?: readonly string[];
  readonly tags?: readonly string[];
  readonly description?: string;
  readonly methods?: readonly string[];
  readonly addressRanges?: readonly string[];
  readonly limits?: readonly { readonly calls: number; readonly per: string }[];
}

const people = [
  { username: "grace", email: "grace@example.com", is_staff: true, roles: ["admin"] },
  { username: "joan", email: "joan@example.com", is_staff: true, roles: ["viewer"] },
  { username: "ken", email: "ken@example.com", roles: ["order-desk"] },
  { username: "lynn", email: "lynn@example.com", roles: ["support"] },
  { username: "margaret", email: "margaret@example.com", is_staff: true, roles: ["key-manager"] },
  { username: "radia", email: "radia@example.com", roles: ["support"] },
  { username: "edsger", email: "edsger@example.com", roles: [] },
  { username: "barbara", email: "barbara@example.com", roles: ["order-desk"] },
] as const;

const roles = [
  {
    name: "order-desk",
    description: "Takes and changes orders",
    permissions: ["orders:*", "!orders:delete"],
  },
  {
    name: "support",
    description: "Looks orders up, and pays back",
    permissions: ["orders:read", "refunds:write"],
  },
];

const services: readonly Service[] = [
  {
    ...{ name: "Analytics Service", owner: "alice", type: "service", busy: 42, days: 200 },
    ...{
      agent: "grpc-node-js/1.14.0",
      from: "10.20.4.17",
      tags: ["team:data"],
      scopes: ["orders:read", "reports:*"],
    },
    description: "Reads orders into the warehouse",
    addressRanges: ["10.20.0.0/16"],
    methods: ["/auth.v1.AuthService/*", "/api.users.UserService/GetUser"],
    limits: [
      { calls: 600, per: "minute" },
      { calls: 100_000, per: "day" },
    ],
  },
  {
    name: "Mobile App Backend",
    owner: "sam",
    type: "service",
    busy: 64,
    agent: "grpc-go/1.71.0",
    from: "10.20.8.3",
    days: 120,
  },
  {
    name: "Checkout",
    owner: "ken",
    type: "service",
    busy: 30,
    agent: "grpc-java-netty/1.70",
    from: "10.20.6.40",
    days: 300,
  },
  {
    name: "Stripe Webhook",
    owner: "barbara",
    type: "webhook",
    busy: 7,
    agent: "Stripe/1.0",
    from: "198.51.100.24",
    days: 10,
  },
  {
    name: "Nightly Report",
    owner: "alice",
    type: "internal",
    busy: 2,
    agent: "python-grpc/1.71",
    from: "10.20.4.90",
    days: 60,
  },
  {
    name: "ci",
    owner: "lynn",
    type: "cli",
    busy: 4,
    agent: "countersign/0.1",
    from: "203.0.113.8",
    days: 3,
    scopes: ["orders:read"],
  },
  {
    name: "Staging",
    owner: "radia",
    type: "development",
    busy: 3,
    agent: "grpc-node-js/1.14.0",
    from: "10.30.0.5",
  },
  {
    name: "Laptop",
    owner: "grace",
    type: "development",
    busy: 1,
    agent: "grpcurl/1.9.3",
    from: "203.0.113.61",
    days: 20,
  },
  { name: "Old Webhook", owner: "alice", type: "webhook", busy: 2, agent: "curl/8.11", from: "198.51.100.7" },
  {
    name: "Legacy Importer",
    owner: "ken",
    type: "internal",
    busy: 1,
    agent: "perl-http/6.7",
    from: "10.20.9.9",
    days: 90,
  },
  {
    name: "Partner Sync",
    owner: "edsger",
    type: "service",
    busy: 5,
    agent: "okhttp/5.0",
    from: "192.0.2.51",
    days: 40,
  },
];

const procedures = [
  "/api.users.UserService/GetUser",
  "/auth.v1.AuthService/WhoAmI",
  "/api.users.UserService/GetUser",
  "/api.users.UserService/ListAllUsers",
  "/auth.v1.ApiKeyService/ListApiKeys",
  "/api.users.UserService/UpdateUser",
];

/** The same numbers each time. */
function randoms(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

interface Made {
  readonly service: Service;
  readonly id: string;
  readonly key: string;
  readonly userId: string;
}

/** Fills the program with it. The key is the one that the page about a key is about. */
export async function furnishShop(stage: AdminStage): Promise<{ readonly keyId: string }> {
  const { administrator } = stage;
  for (const role of roles)
    await administrator.call("/auth.v1.RoleService/CreateRole", {
      ...role,
      permissions: role.permissions.map(permission),
    });
  const users = new Map<string, string>(Object.entries(ids));
  for (const { username, email, roles: held, ...flags } of people) {
    const request = { username, email, roles: held, ...flags, password: `${username}, of no use anywhere` };
    const { user } = (await administrator.call("/auth.v1.UserService/CreateUser", request)) as {
      user: { id: string };
    };
    users.set(username, user.id);
  }
  const made: Made[] = [];
  for (const service of services) made.push(await makeKey(stage, service, users.get(service.owner) ?? ""));
  await writePast(stage.server.data, made);
  await endSome(stage, made);
  await administrator.call("/auth.v1.UserService/DisableUser", { id: users.get("edsger") });
  await callNow(stage, made);
  return { keyId: made[0]?.id ?? "" };
}

/** `!orders:delete` as the proto has it. */
function permission(text: string) {
  const [resource, action] = text.replace(/^!/, "").split(":", 2);
  return { resource, action, deny: text.startsWith("!") };
}

async function makeKey({ administrator }: AdminStage, service: Service, userId: string): Promise<Made> {
  const { name, type, days, scopes, tags, description, methods, addressRanges: ranges, limits } = service;
  const answer = await administrator.call("/auth.v1.ApiKeyService/CreateApiKey", {
    ...{ name, type, user_id: userId, scopes, tags, description, methods, address_ranges: ranges, limits },
    ...(days !== undefined && {
      expires_at: { seconds: Math.floor(Date.now() / 1000) + days * 86_400, nanos: 0 },
    }),
  });
  const { api_key: record, key } = answer as { api_key: { id: string }; key: string };
  return { service, id: record.id, key, userId };
}

/** One of each status that there is. */
async function endSome({ administrator, server }: AdminStage, made: readonly Made[]): Promise<void> {
  const idOf = (name: string) => made.find(({ service }) => service.name === name)?.id ?? "";
  const { call } = { call: administrator.call.bind(administrator) };
  await call("/auth.v1.ApiKeyService/RevokeApiKey", {
    id: idOf("Old Webhook"),
    reason: "found in a repository",
  });
  await call("/auth.v1.ApiKeyService/DisableApiKey", { id: idOf("Staging") });
  await call("/auth.v1.ApiKeyService/RotateApiKey", {
    id: idOf("Checkout"),
    grace: { seconds: 86_400, nanos: 0 },
  });
  const store = await openServerStore(server.data);
  await store.apiKeys.update(
    idOf("Legacy Importer"),
    { expiresAt: new Date(Date.now() - 3 * day) },
    "system",
  );
  await store.close();
}

/** How much is going on at that time of the day: little at night, most in the afternoon. */
function tide(at: number): number {
  const hours = (at % day) / hour;
  return 0.35 + 0.65 * Math.max(0, Math.sin(((hours - 6) / 14) * Math.PI)) ** 1.5;
}

/** A fortnight of calls: the counts of the keys, and of the last day each call. */
async function writePast(data: string, made: readonly Made[]): Promise<void> {
  const random = randoms();
  const store = await openServerStore(data);
  const log = await openSqliteRequestLog({ path: join(data, "requests.db") });
  const now = Date.now();
  const rows: RequestRecord[] = [];
  for (const { service, id, userId } of made) {
    const hours = [];
    for (let at = Math.floor(now / hour) * hour - 30 * day; at < now - hour; at += hour) {
      const allowed = Math.round(service.busy * 6 * tide(at) * (0.6 + 0.8 * random()));
      const denied = random() < 0.05 ? 1 : 0;
      hours.push({ startsAt: new Date(at), allowed, denied });
      if (at < now - day) continue;
      for (let n = 0; n < allowed / 4; n++)
        rows.push(pastCall(random, { service, id, userId }, at + random() * hour));
    }
    const calls = hours.reduce((sum, { allowed }) => sum + allowed, 0);
    const [last] = [new Date(now - random() * 40 * 60_000)];
    await store.apiKeys.addUsage([
      {
        ...{
          id,
          calls,
          hours,
          lastUsedAt: last,
          lastUsedAddress: service.from,
          lastUsedAgent: service.agent,
        },
        networks: [service.from, service.from.replace(/\d+$/, "23")],
      },
    ]);
  }
  for (let n = 0; n < 160; n++) rows.push(strangersCall(random, now - random() * day));
  rows.sort((a, b) => a.at - b.at);
  for (let at = 0; at < rows.length; at += 1000) await log.append(rows.slice(at, at + 1000));
  await log.close();
  await store.close();
}

const rules: Readonly<Record<string, string>> = { "/api.users.UserService/ListAllUsers": "isStaff" };

function pastCall(
  random: () => number,
  { service, id, userId }: Omit<Made, "key">,
  at: number,
): RequestRecord {
  const procedure = procedures[Math.floor(random() * random() * procedures.length)] ?? "";
  const refused = procedure.endsWith("ListAllUsers") && random() < 0.5;
  const failed = !refused && random() < 0.012;
  return {
    ...common(random, at),
    ...{ procedure, userId, apiKeyId: id, authenticator: "api_key", userAgent: service.agent },
    peer: `${service.from}:${40_000 + Math.floor(random() * 20_000)}`,
    durationMs: 0.4 + Math.exp(random() * random() * 5 - 0.5),
    code: refused ? 7 : failed ? 5 : 0,
    reason: refused ? "PERMISSION_DENIED" : undefined,
    rule: rules[procedure] ?? "authenticated",
    missing: refused ? "isStaff" : undefined,
  };
}

/** A call of somebody who is not let in. */
function strangersCall(random: () => number, at: number): RequestRecord {
  const reasons = [
    "CREDENTIALS_MISSING",
    "TOKEN_EXPIRED",
    "TOKEN_EXPIRED",
    "API_KEY_INVALID",
    "API_KEY_REVOKED",
  ];
  return {
    ...common(random, at),
    ...{
      procedure: "/api.users.UserService/GetUser",
      userId: undefined,
      apiKeyId: undefined,
      authenticator: undefined,
    },
    ...{
      peer: `198.51.100.${Math.floor(random() * 200)}:51022`,
      userAgent: "python-requests/2.32",
      durationMs: 0.3,
    },
    ...{
      code: 16,
      reason: reasons[Math.floor(random() * reasons.length)],
      rule: "authenticated",
      missing: undefined,
    },
  };
}

function common(random: () => number, at: number) {
  const part = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  return {
    ...{
      requestId: `${part(8)}-${part(4)}-4${part(3)}-a${part(3)}-${part(8)}${part(4)}`,
      at,
      tenantId: undefined,
    },
    ...{ protocol: random() < 0.8 ? "grpc" : "connect", received: 1, sent: 1 },
  };
}

/** A few hundred calls through the program, of all of them and of nobody. */
async function callNow(stage: AdminStage, made: readonly Made[]): Promise<void> {
  for (let round = 0; round < 24; round++) {
    await Promise.all(
      made
        .filter(({ service }) => service.addressRanges === undefined && round % 8 < service.busy)
        .map(({ key, service }) => stage.call(key, service.agent)),
    );
    if (round % 6 === 0) await stage.call(undefined, "python-requests/2.32");
  }
}
