import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { create, type DescMethod } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { type CallContext, CallError, createRevocations, createRoleDirectory } from "countersign";
import { createKeyDigests, generateApiKey } from "countersign/api-key";
import { type ServiceHandlers, serviceDefinition } from "countersign/grpc";
import { createJwtForUser } from "countersign/jwt";
import type { Store, UserRecord } from "countersign/store";
import { createAuthentication, peppersOf } from "../src/authentication.ts";
import { type Config, loadConfig } from "../src/config/config.ts";
import { databasePath, openStore } from "../src/database.ts";
import { servable } from "../src/descriptors.ts";
import { connectServices } from "../src/listen/connect.ts";
import { createCors } from "../src/listen/cors.ts";
import { listenGrpc } from "../src/listen/grpc.ts";
import { listenHttp } from "../src/listen/http.ts";
import { jsonPaths } from "../src/listen/json-paths.ts";
import { createPasswords } from "../src/passwords.ts";
import { loadPolicy } from "../src/policy/node-policy.ts";
import { type ServedService, servicesOf } from "../src/services.ts";
import { type Signing, signingOf, startSigning } from "../src/signing.ts";
import { askingLimits, tokenEndpoints } from "../src/token-endpoints.ts";

/** What comes with a call: one header, or none. */
export type Credential = readonly [name: "authorization" | "x-api-key", value: string] | undefined;

/** Calls a method with an empty request, and answers `allowed` if its handler began, else with the reason. */
export type Door = (method: DescMethod, credential: Credential) => Promise<string>;

/** The program's own auth, store, rules and doors, with handlers that count and do nothing else. */
export interface MatrixNode {
  readonly doors: Readonly<
    Record<string, { readonly takes: (method: DescMethod) => boolean; readonly call: Door }>
  >;
  readonly credentials: Readonly<Record<string, Credential>>;
  readonly procedures: readonly string[];
  /** How many handlers have begun since the last time. */
  readonly begun: () => number;
  /** Of everything in the database. */
  readonly digest: () => string;
  readonly close: () => Promise<void>;
}

export async function startMatrixNode(data: string): Promise<MatrixNode> {
  const listen = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };
  const env = { COUNTERSIGN_DATA: data, ...listen };
  const found = loadConfig({ environment: "development", createSecrets: true, env });
  const config = { ...found, services: servable.map(({ typeName }) => typeName) };
  const store = await openStore(config);
  const signing = signingOf(config, store);
  const stopSigning = await startSigning(signing);
  const roles = await createRoleDirectory({ source: store.roles });
  const revocations = createRevocations();
  const onDecision = (): void => {};
  const { served: policy } = loadPolicy(config);
  const auth = createAuthentication({ config, store, revocations, roles, signing, policy, onDecision });
  let begun = 0;
  const asking = askingLimits(config);
  const caughtUp = async (): Promise<void> => {};
  const parts = { config, store, revocations, roles, signing, auth, asking, caughtUp };
  const all = servicesOf({ ...parts, passwords: createPasswords(), shadow: undefined });
  const services = all.map((service) => counting(service, () => (begun += 1)));
  const onError = (error: unknown): void => console.error(error);
  const calls = { users: store.users, onError };
  const tokens = tokenEndpoints({ ...parts, onError });
  const grpc = await listenGrpc({ config: config.grpc, tls: undefined, auth, services, ...calls });
  const http = await listenHttp({
    ...{ address: config.http.listen, tls: undefined, ready: () => true, about: {} },
    cors: createCors({ ...config.http.cors, credentialHeaders: [] }),
    handlers: [...tokens, connectServices(auth, services, calls), jsonPaths(auth, services, calls)],
  });
  const people = await makePeople(config, store, signing);
  const client = new Client(grpc.address, credentials.createInsecure());
  const database = new DatabaseSync(databasePath(config), { readOnly: true });
  return {
    doors: {
      gRPC: { takes: () => true, call: (method, credential) => callGrpc(client, method, credential) },
      HTTP: {
        takes: ({ methodKind }) => methodKind === "unary",
        call: (method, credential) => callHttp(http.address, method, credential),
      },
    },
    credentials: people,
    procedures: auth.rules().map(({ procedure }) => procedure),
    begun() {
      const count = begun;
      begun = 0;
      return count;
    },
    digest: () => digestOf(database),
    async close() {
      client.close();
      database.close();
      await Promise.all([grpc.close(0), http.close(0)]);
      await stopSigning();
      await store.close();
    },
  };
}

/** Each handler says that it has begun by the status that no rule gives. */
function counting({ descriptor }: ServedService, count: () => void): ServedService {
  const began = (): never => {
    count();
    throw new CallError("ABORTED", "begun");
  };
  const handlers = descriptor.methods.map(({ localName, methodKind }) => {
    const streams = methodKind === "server_streaming" || methodKind === "bidi_streaming";
    // biome-ignore lint/correctness/useYield: it ends before it has anything to say
    const stream = async function* (): AsyncGenerator<never> {
      began();
    };
    return [localName, (_request: unknown, _context: CallContext) => (streams ? stream() : began())];
  });
  return { descriptor, handlers: Object.fromEntries(handlers) as ServiceHandlers<typeof descriptor> };
}

async function makePeople(
  config: Config,
  store: Store,
  signing: Signing,
): Promise<Readonly<Record<string, Credential>>> {
  const user = (username: string, isStaff: boolean, isSuperuser: boolean) =>
    store.users.create({ username, email: `${username}@example.com`, isStaff, isSuperuser });
  const bearer = (owner: UserRecord): Credential => [
    "authorization",
    `Bearer ${createJwtForUser(owner, { key: signing.signer(), expiresIn: 900 })}`,
  ];
  const superuser = await user("root", true, true);
  const plain = await user("plain", false, false);
  const staff = await user("sam", true, false);
  const disabled = await user("gone", true, true);
  const { id, body, key } = generateApiKey("dev");
  const digests = createKeyDigests(peppersOf(config));
  const scopes = ["users:list", "auth.users:read"];
  await store.apiKeys.create({
    ...digests.digest(body),
    id,
    name: "scoped",
    type: "service",
    userId: superuser.id,
    scopes,
  });
  const people = {
    anonymous: undefined,
    plain: bearer(plain),
    staff: bearer(staff),
    superuser: bearer(superuser),
    "scoped key": ["x-api-key", key] as const,
    "disabled user": bearer(disabled),
  };
  await store.users.update(disabled.id, { isActive: false });
  return people;
}

async function callGrpc(client: Client, method: DescMethod, credential: Credential): Promise<string> {
  const definition = serviceDefinition(method.parent)[method.localName];
  if (definition === undefined) throw new Error(`no ${method.name}`);
  const { path, requestSerialize, responseDeserialize } = definition;
  const metadata = new Metadata();
  if (credential !== undefined) metadata.set(...credential);
  const request = create(method.input);
  const options = { deadline: Date.now() + 20_000 };
  const status = await new Promise<StatusObject>((resolve) => {
    const answered = (_error: ServiceError | null): void => {};
    const written = <C extends { write(message: unknown): unknown; end(): unknown }>(call: C): C => {
      call.write(request);
      call.end();
      return call;
    };
    const codec = [path, requestSerialize, responseDeserialize] as const;
    const begin = {
      unary: () => client.makeUnaryRequest(...codec, request, metadata, options, answered),
      server_streaming: () => client.makeServerStreamRequest(...codec, request, metadata, options).resume(),
      client_streaming: () => written(client.makeClientStreamRequest(...codec, metadata, options, answered)),
      bidi_streaming: () => written(client.makeBidiStreamRequest(...codec, metadata, options)).resume(),
    }[method.methodKind];
    begin()
      .on("error", () => {})
      .on("status", resolve);
  });
  return answerOf(status.code === 10, status.details);
}

async function callHttp(address: string, method: DescMethod, credential: Credential): Promise<string> {
  const headers = {
    "content-type": "application/json",
    ...(credential !== undefined && { [credential[0]]: credential[1] }),
  };
  const url = `http://${address}/${method.parent.typeName}/${method.name}`;
  const response = await fetch(url, { method: "POST", headers, body: "{}" });
  const { message = "" } = (await response.json()) as { readonly message?: string };
  return answerOf(response.status === 409, message);
}

/** The text of a refusal tells which one it is, and is the same at each door. */
function answerOf(begun: boolean, text: string): string {
  return begun ? "allowed" : text;
}

function digestOf(database: DatabaseSync): string {
  const hash = createHash("sha256");
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    const rows = database.prepare(`SELECT * FROM "${String(name)}"`).all();
    hash.update(
      JSON.stringify([name, rows], (_key, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      ),
    );
  }
  return hash.digest("hex");
}
