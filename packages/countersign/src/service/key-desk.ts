import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import { CallError } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { KeyDigests } from "../keys/key-digest.ts";
import { type ApiKeyFormat, generateApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord, NewApiKey, NewKeyLink } from "../store/api-key-contracts.ts";
import type { Store } from "../store/contracts.ts";
import type { HygieneRules } from "../store/key-hygiene.ts";
import { sealForLink } from "./key-link.ts";
import { type ApiKeyInit, keyMessage } from "./key-message.ts";
import { type KeyRankParts, requireOwnKey } from "./key-rank.ts";
import { mayManageKeys, requireKeyRank } from "./made-keys.ts";
import { found } from "./page.ts";
import { visibleTo } from "./tenancy.ts";

export interface ApiKeyServiceOptions {
  readonly store: Pick<Store, "apiKeys" | "users" | "keyImports">;
  /** What the roles of accounts and keys stand for. */
  readonly roles: RoleDirectory;
  readonly digests: KeyDigests;
  /** What new keys name between prefix and id: `dev`, `live`. */
  readonly environment: string;
  readonly format?: ApiKeyFormat;
  /** Returns when this node has applied every revocation that is committed. */
  readonly caughtUp: () => Promise<void>;
  /** What links begin with: `https://auth.example.com`. Undefined, or absent: no links are made. */
  readonly linkBase?: (() => string | undefined) | undefined;
  /** Seals what keys of others were hashed with. Absent: keys with `hmac-sha256` are not imported. */
  readonly sealSecret?: ((secret: Uint8Array) => Uint8Array) | undefined;
  /** Default: 90 days, 10 networks. */
  readonly hygiene?: HygieneRules | undefined;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** Where the page is that a link leads to. */
export const revealPath = "/keys/reveal";

/** What all that is done to keys has in common: whose key it is, whether the caller may, and how it is shown. */
export class KeyDesk {
  readonly options: ApiKeyServiceOptions;
  readonly now: () => Date;

  constructor(options: ApiKeyServiceOptions) {
    this.options = options;
    this.now = options.now ?? (() => new Date());
  }

  /** A key that the caller may see or change; what it may not is as good as absent. */
  async reach(
    id: string,
    caller: Principal,
    permission: "auth.keys:read" | "auth.keys:write",
  ): Promise<ApiKeyRecord> {
    const key = visibleTo(caller, await this.options.store.apiKeys.load(id));
    return found(
      key !== undefined && mayManageKeys(caller, key.userId, permission) ? key : undefined,
      "API key",
    );
  }

  /** A key that the caller may change, and give more life to: nobody's who may do more. */
  async command(id: string, caller: Principal): Promise<ApiKeyRecord> {
    const key = await this.reach(id, caller, "auth.keys:write");
    const { users } = this.options.store;
    await this.options.caughtUp();
    await requireKeyRank({ users, roles: this.options.roles, caller }, key);
    requireOwnKey(key, await this.rankOf(caller));
    return key;
  }

  /** What limits the caller, if it came with a key. */
  async rankOf(caller: Principal): Promise<KeyRankParts> {
    const own = caller.apiKey && (await this.options.store.apiKeys.load(caller.apiKey.id));
    return { caller, own, directory: this.options.roles };
  }

  /** A new key, and the link to it if that is how it is given out. */
  issue(byLink: boolean): { readonly made: MadeKey; readonly answer: KeyAnswer } {
    const { digests, environment, format } = this.options;
    const { key, id, body } = generateApiKey(environment, format);
    const prefix = body.slice(0, body.lastIndexOf("_"));
    const made = { ...digests.digest(body), id, prefix };
    if (!byLink) return { made, answer: { key, link: "" } };
    const base = this.options.linkBase?.();
    if (base === undefined)
      throw new CallError("FAILED_PRECONDITION", "No links are made here: http.public_url is not set", []);
    const { token, link } = sealForLink(key, this.now());
    return {
      made: { ...made, link },
      answer: {
        key: "",
        link: `${base.replace(/\/$/, "")}${revealPath}#${token}`,
        linkExpiresAt: timestampFromDate(link.expiresAt),
      },
    };
  }

  async show(key: ApiKeyRecord): Promise<ApiKeyInit> {
    const [shown] = await this.showAll([key]);
    return shown ?? {};
  }

  async showAll(keys: readonly ApiKeyRecord[]): Promise<ApiKeyInit[]> {
    const { users, keyImports } = this.options.store;
    const now = this.now();
    const owners = new Map<string, string>();
    for (const userId of new Set(keys.map((key) => key.userId)))
      owners.set(userId, (await users.load(userId))?.username ?? "");
    // Ours have a prefix that names their id; nobody has to be asked about them.
    const foreign = keys.filter(({ id, prefix }) => !prefix.endsWith(`_${id}`)).map(({ id }) => id);
    const imported = await keyImports.algorithmsOf(foreign);
    return keys.map((key) =>
      keyMessage(key, { username: owners.get(key.userId) ?? "", imported: imported.get(key.id), now }),
    );
  }

  /** The key whose place it took. */
  async previousOf({ replaces }: ApiKeyRecord): Promise<ApiKeyInit | undefined> {
    const previous = replaces === undefined ? undefined : await this.options.store.apiKeys.load(replaces);
    return previous && this.show(previous);
  }
}

export type MadeKey = Pick<NewApiKey, "id" | "digest" | "pepperId" | "prefix"> & {
  readonly link?: NewKeyLink;
};

export interface KeyAnswer {
  readonly key: string;
  readonly link: string;
  readonly linkExpiresAt?: ReturnType<typeof timestampFromDate>;
}

/** Whose keys a caller asks for and may see; undefined for everyone's. */
export function ownerToList(
  { userId: wanted }: { readonly userId?: bigint | undefined },
  context: CallContext,
): string | undefined {
  const caller = context.requireUser();
  if (wanted === undefined && mayManageKeys(caller, undefined, "auth.keys:read")) return undefined;
  const userId = wanted === undefined ? caller.userId : String(wanted);
  if (mayManageKeys(caller, userId, "auth.keys:read")) return userId;
  return context.abortPermissionDenied("Permission 'auth.keys:read' required");
}
