import { createKeyDigests, generateApiKey } from "countersign/api-key";
import type { Store } from "countersign/store";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, type ServerProcess } from "./server-process.ts";
import { openServerStore } from "./server-store.ts";
import { accessClaims, sign } from "./tokens.ts";

/** Ids of the accounts that the first start makes. */
export const ids = { admin: "1", sam: "2", alice: "3" } as const;

/** Everyone and everything that the scenarios need: accounts, keys and tokens in every state. */
export interface Cast {
  /** The key that tokens of this server are signed with. */
  readonly secret: Uint8Array;
  readonly keys: Readonly<Record<KeyName, string>>;
  readonly tokens: Readonly<Record<TokenName, string>>;
}

type KeyName =
  | "alice"
  | "sam"
  | "admin"
  | "samScoped"
  | "samScopedStaff"
  | "expired"
  | "revoked"
  | "revokedInUse"
  | "disabled"
  | "disabledInUse"
  | "ownerDisabled"
  | "ownerDeleted"
  | "unknownPepper";
type TokenName = "alice" | "sam" | "admin" | "revoked" | "ownerDisabled" | "ownerDeleted";

/** An administrator at work: unary calls with the admin's token, which must succeed. */
export class Administrator {
  readonly #client: Client;
  readonly #headers: readonly Header[];

  private constructor(client: Client, token: string) {
    this.#client = client;
    this.#headers = [["authorization", `Bearer ${token}`]];
  }

  static async of(server: ServerProcess): Promise<Administrator> {
    return Administrator.with(
      server,
      await sign(developmentSecrets(server.data).jwtSecret, accessClaims(ids.admin)),
    );
  }

  /** With a token of a superuser's. */
  static async with(server: ServerProcess, token: string): Promise<Administrator> {
    return new Administrator(await grpcJs.connect(server.grpc), token);
  }

  async call(procedure: string, request: Json): Promise<Json> {
    const outcome = await this.#client.call({ procedure, requests: [request], headers: this.#headers });
    if (outcome.code !== 0) throw new Error(`${procedure}: ${outcome.code} ${outcome.message}`);
    return outcome.answers[0] ?? {};
  }

  /** The id of a new account. */
  async createUser(username: string): Promise<string> {
    const { user } = (await this.call("/auth.v1.UserService/CreateUser", { username })) as {
      user: { id: string };
    };
    return user.id;
  }

  /** A new key, and its id. */
  async createKey(
    userId: string,
    name: string,
    scopes: readonly string[] = [],
  ): Promise<{ id: string; key: string }> {
    const request = { user_id: userId, name, scopes };
    const answer = await this.call("/auth.v1.ApiKeyService/CreateApiKey", request);
    const { api_key: record, key } = answer as { api_key: { id: string }; key: string };
    return { id: record.id, key };
  }

  /** Everything that a caller could have changed. */
  async everything(): Promise<Json> {
    return this.call("/api.users.UserService/ListAllUsers", {});
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Puts the cast on stage: through the program's own RPCs, and in its store what no RPC does yet. */
export async function assemble(server: ServerProcess, administrator: Administrator): Promise<Cast> {
  const { jwtSecret: secret } = developmentSecrets(server.data);
  const { alice, sam, admin } = ids;
  const make = (userId: string, name: string, scopes?: readonly string[]) =>
    administrator.createKey(userId, name, scopes);
  const token = (userId: string) => sign(secret, accessClaims(userId));
  const dora = await administrator.createUser("dora");
  const gone = await administrator.createUser("gone");
  const keys = {
    sam: await make(sam, "sam's"),
    admin: await make(admin, "admin's"),
    samScoped: await make(sam, "scoped", ["reports:read"]),
    samScopedStaff: await make(sam, "scoped for staff", ["staff"]),
    revoked: await make(alice, "revoked"),
    revokedInUse: await make(alice, "revoked in use"),
    disabledInUse: await make(alice, "disabled in use"),
    ownerDisabled: await make(dora, "dora's"),
    ownerDeleted: await make(gone, "gone's"),
  };
  const revokedClaims = accessClaims(alice);
  const tokens = {
    alice: await token(alice),
    sam: await token(sam),
    admin: await token(admin),
    revoked: await sign(secret, revokedClaims),
    ownerDisabled: await token(dora),
    ownerDeleted: await token(gone),
  };
  const probe = await Probe.of(server);
  // In use, so that the server has them in its caches before they end.
  for (const name of ["revokedInUse", "disabledInUse", "ownerDisabled", "ownerDeleted"] as const) {
    await probe.mustPass(["x-api-key", keys[name].key]);
  }
  for (const name of ["revoked", "ownerDisabled", "ownerDeleted"] as const) {
    await probe.mustPass(["authorization", `Bearer ${tokens[name]}`]);
  }
  await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id: keys.revoked.id, reason: "unused" });
  await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", {
    id: keys.revokedInUse.id,
    reason: "leaked",
  });
  await administrator.call("/auth.v1.UserService/DisableUser", { id: dora });
  await administrator.call("/auth.v1.UserService/DeleteUser", { id: gone });
  const stored = await besideTheServer(server, async (store) => {
    await store.apiKeys.setDisabled(keys.disabledInUse.id, true);
    const [jti, expiresAt] = [String(revokedClaims.jti), Number(revokedClaims.exp)];
    await store.revocations.append([{ kind: "token", issuer: "", jti, expiresAt }]);
    return storedKeys(store, server);
  });
  // Another process has written these: the server follows the log, at the latest at its next poll.
  await until(5000, "the revocations to arrive", async () => {
    const key = await probe.codeOf(["x-api-key", keys.disabledInUse.key]);
    return key === 16 && (await probe.codeOf(["authorization", `Bearer ${tokens.revoked}`])) === 16;
  });
  await probe.close();
  const texts = Object.fromEntries(Object.entries(keys).map(([name, { key }]) => [name, key]));
  return {
    secret,
    tokens,
    keys: { ...(texts as Record<keyof typeof keys, string>), ...stored, alice: server.apiKey },
  };
}

/** Opens the database that the server has open, too. */
async function besideTheServer<T>(server: ServerProcess, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openServerStore(server.data);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function storedKeys(
  store: Store,
  server: ServerProcess,
): Promise<Record<"expired" | "disabled" | "unknownPepper", string>> {
  const { pepper } = developmentSecrets(server.data);
  const create = async (
    name: string,
    pepperId: string,
    expiresAt?: Date,
  ): Promise<{ id: string; key: string }> => {
    const { id, body, key } = generateApiKey("dev");
    const digests = createKeyDigests([{ id: pepperId, secret: pepper }]);
    await store.apiKeys.create({
      ...digests.digest(body),
      id,
      name,
      type: "service",
      userId: ids.alice,
      expiresAt,
    });
    return { id, key };
  };
  const expired = await create("expired", "p1", new Date(Date.now() - 1000));
  const disabled = await create("disabled", "p1");
  await store.apiKeys.setDisabled(disabled.id, true);
  const unknownPepper = await create("of another server's pepper", "p9");
  return { expired: expired.key, disabled: disabled.key, unknownPepper: unknownPepper.key };
}

/** Asks whether a credential passes. */
class Probe {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async of(server: ServerProcess): Promise<Probe> {
    return new Probe(await grpcJs.connect(server.grpc));
  }

  async mustPass(header: Header): Promise<void> {
    const { code, message } = await this.#ask(header);
    if (code !== 0) throw new Error(`${header[0]} was refused too early: ${code} ${message}`);
  }

  async codeOf(header: Header): Promise<number> {
    return (await this.#ask(header)).code;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #ask(header: Header): Promise<Outcome> {
    const procedure = "/api.users.UserService/GetUser";
    return this.#client.call({ procedure, requests: [{ user_id: ids.admin }], headers: [header] });
  }
}
