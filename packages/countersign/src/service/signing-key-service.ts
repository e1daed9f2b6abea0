import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type {
  ImportSigningKeyRequest,
  RetireSigningKeyRequest,
  RotateSigningKeyRequest,
  SigningKeySchema,
  SigningKeyService,
  SigningKeySuccession,
} from "../gen/auth/v1/signing_keys_pb.ts";
import { type Algorithm, algorithms, isAlgorithm } from "../jwt/algorithms.ts";
import type { SigningKeys, Succession } from "../signing/signing-keys.ts";
import { Conflict } from "../store/contracts.ts";
import type { SigningKeyRecord } from "../store/session-contracts.ts";
import { found } from "./page.ts";

export interface SigningKeyServiceOptions {
  /** Undefined where tokens are signed with a key that is managed elsewhere: every call says so then. */
  readonly keys: SigningKeys | undefined;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** `auth.v1.SigningKeyService`: the keys that sign access tokens, for administrators. */
export function createSigningKeyService(
  options: SigningKeyServiceOptions,
): ServiceHandlers<typeof SigningKeyService> {
  return new SigningKeyServiceHandlers(options);
}

/** A 16384-bit RSA key in PEM has 13,000 characters. */
const longestKey = 16_384;

class SigningKeyServiceHandlers implements ServiceHandlers<typeof SigningKeyService> {
  readonly #options: SigningKeyServiceOptions;
  readonly #now: () => Date;

  constructor(options: SigningKeyServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  async listSigningKeys() {
    const records = await this.#keys().list();
    return { signingKeys: records.map((record) => toMessage(record, this.#now())) };
  }

  async rotateSigningKey(request: RotateSigningKeyRequest, context: CallContext) {
    const keys = this.#keys();
    const algorithm = algorithmOf(request.algorithm);
    const rotation = { algorithm, ...successionOf(request.succession) };
    const { userId } = context.requireUser();
    return this.#changed(await explained(() => keys.rotate(rotation, userId)));
  }

  async retireSigningKey({ kid, now }: RetireSigningKeyRequest, context: CallContext) {
    const keys = this.#keys();
    const { userId } = context.requireUser();
    const retired = await explained(() => (now ? keys.remove(kid, userId) : keys.retire(kid, userId)));
    return this.#changed(found(retired, "signing key"));
  }

  async importSigningKey(request: ImportSigningKeyRequest, context: CallContext) {
    const keys = this.#keys();
    const { key: text, kid } = request;
    if (text === "" || text.length > longestKey) {
      throw invalidArgument({ field: "key", description: `1 to ${longestKey} characters` });
    }
    const key = { text, algorithm: algorithmOf(request.algorithm), kid: kid === "" ? undefined : kid };
    const { userId } = context.requireUser();
    const succession = successionOf(request.succession);
    return this.#changed(await explained(() => keys.import(key, succession, userId)));
  }

  #keys(): SigningKeys {
    if (this.#options.keys !== undefined) return this.#options.keys;
    throw new CallError("FAILED_PRECONDITION", "Tokens are signed with a key from the configuration");
  }

  async #changed(record: SigningKeyRecord) {
    await this.#options.caughtUp();
    return { signingKey: toMessage(record, this.#now()) };
  }
}

function toMessage(record: SigningKeyRecord, now: Date): MessageInitShape<typeof SigningKeySchema> {
  const { kid, algorithm, publicJwk = "", createdAt, activeFrom, retiredAt, removedAt } = record;
  return {
    kid,
    algorithm,
    status: statusOf(record, now),
    createdAt: timestampFromDate(createdAt),
    activeFrom: timestampFromDate(activeFrom),
    publicJwk,
    ...(retiredAt && { retiredAt: timestampFromDate(retiredAt) }),
    ...(removedAt && { removedAt: timestampFromDate(removedAt) }),
  };
}

function statusOf({ activeFrom, retiredAt, removedAt }: SigningKeyRecord, now: Date): string {
  if (removedAt !== undefined && removedAt <= now) return "removed";
  if (retiredAt !== undefined && retiredAt <= now) return "retired";
  return activeFrom <= now ? "signing" : "pending";
}

function algorithmOf(name: string): Algorithm | undefined {
  if (name === "") return undefined;
  if (isAlgorithm(name)) return name;
  const description = `one of ${Object.keys(algorithms).join(", ")}`;
  throw invalidArgument({ field: "algorithm", description });
}

function successionOf({
  soon = false,
  removeOthers = false,
}: Partial<SigningKeySuccession> = {}): Succession {
  return { when: soon ? "soon" : "published", others: removeOthers ? "remove" : "retire" };
}

/** What stands against a change, in the words of the request. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Its text says what is wrong with a key, and nothing of the key.
    if (error instanceof TypeError) throw invalidArgument({ field: "key", description: error.message });
    if (!(error instanceof Conflict)) throw error;
    const { field, message: description } = error;
    throw field === "kid"
      ? new CallError("ALREADY_EXISTS", description, [{ field, description }])
      : new CallError("FAILED_PRECONDITION", description, [{ field, description }]);
  }
}
