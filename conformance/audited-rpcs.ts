import { createHash, generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { type Account, claimsOf, http } from "./door.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";
import { codeOf } from "./totp-code.ts";

/** The program as somebody who changes things sees it. */
export class Scene {
  readonly server: ServerProcess;
  /** A superuser's, with a session. */
  readonly admin: string;
  #made = 0;

  constructor(server: ServerProcess, admin: string) {
    this.server = server;
    this.admin = admin;
  }

  /** The answer of a call that must go well. */
  async call(path: string, body: Json = {}, token = this.admin): Promise<Json> {
    const { status, json, text } = await http(this.server, path, { body, token });
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return json;
  }

  /** A name that nobody has. */
  name(): string {
    this.#made += 1;
    return `made-${this.#made}`;
  }

  async user(): Promise<Account> {
    const username = this.name();
    const password = `seven rivers meet at noon ${username}`;
    const email = `${username}@example.org`;
    const { user } = (await this.call("/auth.v1.UserService/CreateUser", { username, email, password })) as {
      user: { id: string };
    };
    return { id: user.id, username, email, password };
  }

  async key(): Promise<string> {
    const request = { name: this.name(), user_id: (await this.user()).id };
    const answer = await this.call("/auth.v1.ApiKeyService/CreateApiKey", request);
    return (answer as { api_key: { id: string } }).api_key.id;
  }

  async tenant(): Promise<string> {
    const id = this.name();
    await this.call("/auth.v1.TenantService/CreateTenant", { id });
    return id;
  }

  async role(): Promise<string> {
    const name = this.name();
    await this.call("/auth.v1.RoleService/CreateRole", { name });
    return name;
  }

  /** Somebody who has just logged in. */
  async session(): Promise<{ readonly account: Account; readonly token: string }> {
    const account = await this.user();
    const { username, password } = account;
    const answer = await this.call("/auth.v1.AuthService/Login", { username, password });
    return { account, token: String(answer["access_token"]) };
  }

  /** Somebody who has begun to enrol an authenticator app, and the code to confirm it. */
  async enrolling(): Promise<{ readonly account: Account; readonly token: string; readonly secret: string }> {
    const session = await this.session();
    const { password } = session.account;
    const answer = await this.call("/auth.v1.AuthService/EnrollTotp", { password }, session.token);
    return { ...session, secret: String(answer["secret"]) };
  }

  /** Somebody who has an authenticator app, and a code for the day when it is lost. */
  async enrolled(): Promise<{ readonly account: Account; readonly token: string; recoveryCode: string }> {
    const { account, token, secret } = await this.enrolling();
    const code = { otp_code: codeOf(secret, 0) };
    const answer = await this.call("/auth.v1.AuthService/ConfirmTotp", code, token);
    const [recoveryCode = ""] = answer["recovery_codes"] as readonly string[];
    return { account, token, recoveryCode };
  }

  async linked(): Promise<Json> {
    const identity = { issuer: "https://issuer.example", subject: this.name() };
    const { id } = await this.user();
    await this.call("/auth.v1.UserService/LinkIdentity", { user_id: id, ...identity });
    return identity;
  }
}

/** What is asked, and with which token where it is not the administrator's. */
export interface Asked {
  readonly request: Json;
  readonly token?: string;
}

/** An RPC that changes something that an auditor asks about, and the rows that it has to write. */
export interface AuditedRpc {
  readonly ask: (scene: Scene) => Promise<Asked>;
  /** Each once, in the order of the first of them. */
  readonly actions: readonly string[];
}

/** `reads`, or why it is no administrative change, or the change that it makes. */
export type RpcKind = "reads" | { readonly unaudited: string } | AuditedRpc;

const ofUser = async (scene: Scene): Promise<Asked> => ({ request: { id: (await scene.user()).id } });
const ofKey = async (scene: Scene): Promise<Asked> => ({ request: { id: await scene.key() } });
const ofTenant = async (scene: Scene): Promise<Asked> => ({ request: { id: await scene.tenant() } });

/** A private key of RS256's, as a JWK. */
export function newSigningKey(): JsonWebKey {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
}

/** Every RPC of every service that the library has: one that is missing here fails the test. */
export const rpcs: Readonly<Record<string, Readonly<Record<string, RpcKind>>>> = {
  "auth.v1.ApiKeyService": {
    ListApiKeys: "reads",
    GetApiKey: "reads",
    CreateApiKey: {
      ask: async (scene) => ({ request: { name: scene.name(), user_id: (await scene.user()).id } }),
      actions: ["key.created"],
    },
    GetApiKeyUsage: "reads",
    ListApiKeyFindings: "reads",
    GetApiKeyImport: "reads",
    UpdateApiKey: {
      ask: async (scene) => ({ request: { id: await scene.key(), description: "d" } }),
      actions: ["key.updated"],
    },
    RevokeApiKey: {
      ask: async (scene) => ({ request: { id: await scene.key(), reason: "lost" } }),
      actions: ["key.revoked"],
    },
    RevokeApiKeys: {
      ask: async (scene) => ({ request: { ids: [await scene.key(), await scene.key()], reason: "lost" } }),
      actions: ["key.revoked"],
    },
    RotateApiKey: { ask: ofKey, actions: ["key.created", "key.rotated"] },
    EndApiKeyGrace: {
      ask: async (scene) => {
        const asked = await ofKey(scene);
        await scene.call("/auth.v1.ApiKeyService/RotateApiKey", asked.request);
        return asked;
      },
      actions: ["key.revoked"],
    },
    DisableApiKey: { ask: ofKey, actions: ["key.disabled"] },
    EnableApiKey: {
      ask: async (scene) => {
        const asked = await ofKey(scene);
        await scene.call("/auth.v1.ApiKeyService/DisableApiKey", asked.request);
        return asked;
      },
      actions: ["key.enabled"],
    },
    ImportApiKeys: {
      ask: async (scene) => {
        const hash = createHash("sha256").update(scene.name()).digest("hex");
        const { id } = await scene.user();
        return { request: { keys: [{ hash, name: scene.name(), user_id: id }] } };
      },
      actions: ["key.imported"],
    },
    ReportLeakedApiKeys: {
      ask: async (scene) => {
        const request = { name: scene.name(), user_id: (await scene.user()).id };
        const { key } = await scene.call("/auth.v1.ApiKeyService/CreateApiKey", request);
        return { request: { keys: [String(key)], revoke: true, reason: "found in a repository" } };
      },
      actions: ["key.revoked"],
    },
  },
  "auth.v1.AuditService": {
    ListAudit: "reads",
    GetAudit: "reads",
    ExportAudit: "reads",
    VerifyAudit: "reads",
  },
  "auth.v1.SystemService": {
    GetConfiguration: "reads",
    ListProcedures: "reads",
    ListNodes: "reads",
  },
  "auth.v1.AuthService": {
    WhoAmI: "reads",
    ListSessions: "reads",
    ValidateApiKey: "reads",
    Login: { unaudited: "nobody's rights change: the session itself is the record" },
    RefreshToken: { unaudited: "a part of the session; only reuse is audited" },
    RenewStream: { unaudited: "nobody's rights change: a stream goes on with a credential that is good" },
    EnrollTotp: { unaudited: "nothing is in force before it is confirmed" },
    Logout: {
      ask: async (scene) => ({ request: {}, token: (await scene.session()).token }),
      actions: ["session.revoked"],
    },
    LogoutAll: {
      ask: async (scene) => ({ request: {}, token: (await scene.session()).token }),
      actions: ["session.all_revoked"],
    },
    RevokeSession: {
      ask: async (scene) => {
        const { token } = await scene.session();
        return { request: { id: String(claimsOf(token)["sid"]), reason: "lost" } };
      },
      actions: ["session.revoked"],
    },
    ChangePassword: {
      ask: async (scene) => {
        const { account, token } = await scene.session();
        const request = { current_password: account.password, new_password: `${account.password} indeed` };
        return { request, token };
      },
      actions: ["user.password_set", "session.all_revoked"],
    },
    ConfirmTotp: {
      ask: async (scene) => {
        const { secret, token } = await scene.enrolling();
        return { request: { otp_code: codeOf(secret, 0) }, token };
      },
      actions: ["totp.enabled"],
    },
    DisableTotp: {
      ask: async (scene) => {
        const { account, token, recoveryCode } = await scene.enrolled();
        return { request: { password: account.password, otp_code: recoveryCode }, token };
      },
      actions: ["totp.recovery_code_used", "totp.disabled"],
    },
  },
  "auth.v1.LimitService": {
    ListLimits: "reads",
    GetLimitUsage: "reads",
    ResetLimits: {
      ask: async (scene) => ({ request: { subject: `user:${(await scene.user()).id}` } }),
      actions: ["limits.reset"],
    },
  },
  "auth.v1.LogService": {
    ListRequests: "reads",
    GetRequest: "reads",
    WatchRequests: "reads",
    ExportRequests: "reads",
    GetStatistics: "reads",
    GetTimeSeries: "reads",
  },
  "auth.v1.PolicyService": { ListRules: "reads", Explain: "reads", ListShadowDifferences: "reads" },
  "auth.v1.RevocationService": {
    WatchRevocations: "reads",
    GetAccount: "reads",
    ReportUsage: { unaudited: "counts calls" },
  },
  "auth.v1.RoleService": {
    GetRole: "reads",
    ListRoles: "reads",
    GetUserRoles: "reads",
    ListUserPermissions: "reads",
    CreateRole: { ask: async (scene) => ({ request: { name: scene.name() } }), actions: ["role.created"] },
    UpdateRole: {
      ask: async (scene) => ({ request: { name: await scene.role(), description: "d" } }),
      actions: ["role.updated"],
    },
    DeleteRole: {
      ask: async (scene) => ({ request: { name: await scene.role() } }),
      actions: ["role.deleted"],
    },
    AssignRole: {
      ask: async (scene) => ({ request: { user_id: (await scene.user()).id, role: await scene.role() } }),
      actions: ["role.assigned"],
    },
    UnassignRole: {
      ask: async (scene) => {
        const request = { user_id: (await scene.user()).id, role: await scene.role() };
        await scene.call("/auth.v1.RoleService/AssignRole", request);
        return { request };
      },
      actions: ["role.unassigned"],
    },
  },
  "auth.v1.SigningKeyService": {
    ListSigningKeys: "reads",
    RotateSigningKey: {
      ask: async () => ({ request: {} }),
      actions: ["signing_key.retired", "signing_key.created"],
    },
    RetireSigningKey: {
      ask: async (scene) => {
        const answer = await scene.call("/auth.v1.SigningKeyService/RotateSigningKey");
        const { kid } = answer["signing_key"] as { kid: string };
        return { request: { kid, now: true } };
      },
      actions: ["signing_key.removed", "signing_key.retired", "signing_key.created"],
    },
    ImportSigningKey: {
      ask: async () => ({ request: { key: JSON.stringify(newSigningKey()) } }),
      actions: ["signing_key.retired", "signing_key.created"],
    },
  },
  "auth.v1.TenantService": {
    GetTenant: "reads",
    ListTenants: "reads",
    CreateTenant: { ask: async (scene) => ({ request: { id: scene.name() } }), actions: ["tenant.created"] },
    UpdateTenant: {
      ask: async (scene) => ({ request: { id: await scene.tenant(), name: scene.name() } }),
      actions: ["tenant.updated"],
    },
    DisableTenant: { ask: ofTenant, actions: ["tenant.disabled"] },
    EnableTenant: {
      ask: async (scene) => {
        const asked = await ofTenant(scene);
        await scene.call("/auth.v1.TenantService/DisableTenant", asked.request);
        return asked;
      },
      actions: ["tenant.enabled"],
    },
    DeleteTenant: { ask: ofTenant, actions: ["tenant.deleted"] },
  },
  "auth.v1.TokenService": {
    InspectToken: "reads",
    MintToken: {
      ask: async (scene) => ({ request: { user_id: (await scene.user()).id } }),
      actions: ["token.minted"],
    },
  },
  "auth.v1.UserService": {
    GetUser: "reads",
    ListUsers: "reads",
    ListIdentities: "reads",
    CreateUser: {
      ask: async (scene) => ({ request: { username: scene.name() } }),
      actions: ["user.created"],
    },
    UpdateUser: {
      ask: async (scene) => ({ request: { id: (await scene.user()).id, is_staff: true } }),
      actions: ["user.updated"],
    },
    DisableUser: { ask: ofUser, actions: ["user.disabled"] },
    EnableUser: {
      ask: async (scene) => {
        const asked = await ofUser(scene);
        await scene.call("/auth.v1.UserService/DisableUser", asked.request);
        return asked;
      },
      actions: ["user.enabled"],
    },
    DeleteUser: { ask: ofUser, actions: ["user.deleted"] },
    SetPassword: {
      ask: async (scene) => ({
        request: { id: (await scene.user()).id, password: `nine hills rise at dusk ${scene.name()}` },
      }),
      actions: ["user.password_set", "session.all_revoked"],
    },
    ResetSecondFactor: {
      ask: async (scene) => ({ request: { id: (await scene.enrolled()).account.id } }),
      actions: ["totp.disabled", "session.all_revoked"],
    },
    LinkIdentity: {
      ask: async (scene) => ({
        request: {
          ...{ user_id: (await scene.user()).id, issuer: "https://issuer.example", subject: scene.name() },
        },
      }),
      actions: ["identity.linked"],
    },
    UnlinkIdentity: {
      ask: async (scene) => ({ request: await scene.linked() }),
      actions: ["identity.unlinked"],
    },
  },
};
