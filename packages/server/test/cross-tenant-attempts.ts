import { createHash } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

const day = 86_400_000;

/** A record of somebody's that an attempt reaches for, and what belongs to it. */
export interface Target {
  readonly tenant: string;
  readonly userId: bigint;
  readonly username: string;
  readonly email: string;
  readonly keyId: string;
  readonly key: string;
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly accessToken: string;
  /** Of the tenant. */
  readonly role: string;
  readonly issuer: string;
  readonly subject: string;
  /** Of a call that was logged. */
  readonly requestId: string;
  /** Of an audit record about the key. */
  readonly auditSequence: bigint;
}

/** A request by which somebody (`own`) reaches for a record. It must have no effect, wherever that belongs to another tenant. */
export type Attempt = (target: Target, own: Target) => object;

/**
 * - a list: how somebody of another tenant would reach for a record by this RPC;
 * - `installation`: with such requests nobody in a tenant gets any further than the rule;
 * - a text: why it names nobody's record.
 */
export type Row = readonly Attempt[] | { readonly installation: readonly Attempt[] } | string;

const own = "it is about the caller's own account, whatever the request says";
let fresh = 0;
function newName(): string {
  fresh += 1;
  return `fresh-${fresh}`;
}

/** Of a key that was made elsewhere. */
function newHash(): string {
  return createHash("sha256").update(newName()).digest("hex");
}

const reason = "test";
const today = Math.floor(Date.now() / day) * day;
/**
 * Everything that is logged ended in it, also where midnight passes between this line and a call; and two requests with it are
 * about the same time.
 */
const logged = { since: timestampFromMs(today - day), until: timestampFromMs(today + 2 * day) };

/** How records are found. */
const auditFilters: readonly ((target: Target) => object)[] = [
  ({ userId }) => ({ target: `user:${userId}` }),
  ({ keyId }) => ({ target: `key:${keyId}` }),
  ({ username: text }) => ({ text }),
  ({ tenant }) => ({ tenant }),
];

/**
 * Of every RPC. One that has no row here fails the test: say how somebody of another tenant would reach for a record by it. What
 * is found by several names has an attempt for each.
 */
export const rows: Readonly<Record<string, Row>> = {
  "/auth.v1.AuthService/Login": "it is open, and asks who the caller is",
  "/auth.v1.AuthService/RefreshToken": "it is open, and whoever holds the token is who it was given to",
  "/auth.v1.AuthService/Logout": own,
  "/auth.v1.AuthService/LogoutAll": own,
  "/auth.v1.AuthService/WhoAmI": own,
  "/auth.v1.AuthService/RenewStream":
    "a stream is found by who opened it, and by a name that its client made up",
  "/auth.v1.AuthService/ListSessions": [
    ({ userId }) => ({ userId }),
    ({ userId }) => ({ userId, includeEnded: true }),
  ],
  "/auth.v1.AuthService/RevokeSession": [({ sessionId: id }) => ({ id, reason })],
  "/auth.v1.AuthService/ChangePassword": own,
  "/auth.v1.AuthService/EnrollTotp": own,
  "/auth.v1.AuthService/ConfirmTotp": own,
  "/auth.v1.AuthService/DisableTotp": own,
  "/auth.v1.AuthService/ValidateApiKey": [({ key: apiKey }) => ({ apiKey })],

  "/auth.v1.UserService/CreateUser": [
    ({ tenant }) => ({ username: newName(), tenant }),
    ({ tenant }) => ({ username: newName(), tenant, isSuperuser: true }),
    ({ role }) => ({ username: newName(), roles: [role] }),
  ],
  "/auth.v1.UserService/GetUser": [
    ({ userId: value }) => ({ selector: { case: "id", value } }),
    ({ username: value }) => ({ selector: { case: "username", value } }),
    ({ email: value }) => ({ selector: { case: "email", value } }),
  ],
  "/auth.v1.UserService/ListUsers": [
    () => ({ pageSize: 1000 }),
    ({ username: query }) => ({ query }),
    ({ userId }) => ({ ids: [userId] }),
    ({ tenant }) => ({ tenant, pageSize: 1000 }),
  ],
  "/auth.v1.UserService/UpdateUser": [
    ({ userId: id }) => ({ id, username: newName() }),
    ({ userId: id }) => ({ id, isStaff: true }),
    ({ userId: id }) => ({ id, isSuperuser: true }),
  ],
  "/auth.v1.UserService/DisableUser": [({ userId: id }) => ({ id })],
  "/auth.v1.UserService/EnableUser": [({ userId: id }) => ({ id })],
  "/auth.v1.UserService/DeleteUser": [({ userId: id }) => ({ id })],
  "/auth.v1.UserService/SetPassword": [({ userId: id }) => ({ id, password: "seven rivers meet at dawn" })],
  "/auth.v1.UserService/ResetSecondFactor": [({ userId: id }) => ({ id })],
  "/auth.v1.UserService/ListIdentities": [({ userId }) => ({ userId })],
  "/auth.v1.UserService/LinkIdentity": [
    ({ userId, issuer }) => ({ userId, issuer, subject: newName() }),
    ({ userId }, { issuer }) => ({ userId, issuer, subject: newName() }),
    ({ issuer, subject }, { userId }) => ({ userId, issuer, subject }),
  ],
  "/auth.v1.UserService/UnlinkIdentity": [({ issuer, subject }) => ({ issuer, subject })],

  "/auth.v1.ApiKeyService/CreateApiKey": [
    ({ userId }) => ({ userId, name: newName(), scopes: ["orders:read"] }),
    ({ role }) => ({ name: newName(), roles: [role] }),
  ],
  "/auth.v1.ApiKeyService/ListApiKeys": [
    () => ({ pageSize: 1000 }),
    ({ userId }) => ({ userId }),
    ({ keyId }) => ({ ids: [keyId] }),
  ],
  "/auth.v1.ApiKeyService/GetApiKey": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/RevokeApiKey": [
    ({ keyId: id }) => ({ id, reason }),
    ({ keyId: id }) => ({ id, reason, withMadeKeys: true }),
  ],
  "/auth.v1.ApiKeyService/UpdateApiKey": [
    ({ keyId: id }) => ({ id, description: newName() }),
    ({ role }, { keyId: id }) => ({ id, roles: { values: [role] } }),
  ],
  "/auth.v1.ApiKeyService/RevokeApiKeys": [
    ({ keyId }) => ({ ids: [keyId], reason }),
    ({ keyId }) => ({ ids: [keyId], reason, withMadeKeys: true }),
    ({ userId }) => ({ userId, reason }),
  ],
  "/auth.v1.ApiKeyService/RotateApiKey": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/EndApiKeyGrace": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/DisableApiKey": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/EnableApiKey": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/GetApiKeyUsage": [({ keyId: id }) => ({ id })],
  "/auth.v1.ApiKeyService/ListApiKeyFindings": [
    () => ({ pageSize: 1000 }),
    ({ userId }) => ({ userId, pageSize: 1000 }),
  ],
  "/auth.v1.ApiKeyService/ImportApiKeys": [
    ({ userId }) => ({ keys: [{ hash: newHash(), name: newName(), userId, scopes: ["orders:read"] }] }),
    ({ username }) => ({ keys: [{ hash: newHash(), name: newName(), username, scopes: ["orders:read"] }] }),
    ({ role }, { userId }) => ({ keys: [{ hash: newHash(), name: newName(), userId, roles: [role] }] }),
  ],
  "/auth.v1.ApiKeyService/GetApiKeyImport": "it names nothing, and counts the keys of the caller's tenant",
  "/auth.v1.ApiKeyService/ReportLeakedApiKeys": [
    ({ key }) => ({ keys: [key], reason }),
    ({ key }) => ({ keys: [key], reason, revoke: true }),
  ],

  "/auth.v1.RoleService/CreateRole": [
    ({ tenant }) => ({ name: newName(), tenant }),
    ({ tenant }) => ({ name: `${tenant}/${newName()}` }),
    ({ role }) => ({ name: newName(), inherits: [role] }),
    ({ role: name }) => ({ name }),
  ],
  "/auth.v1.RoleService/GetRole": [({ role: name }) => ({ name })],
  "/auth.v1.RoleService/ListRoles": [
    // Of a tenant: the installation's roles are listed.
    ({ tenant: _ }) => ({ pageSize: 1000 }),
    ({ tenant }) => ({ tenant, pageSize: 1000 }),
  ],
  "/auth.v1.RoleService/UpdateRole": [
    ({ role: name }) => ({ name, description: newName() }),
    ({ role }, { role: name }) => ({ name, addInherits: [role] }),
  ],
  "/auth.v1.RoleService/DeleteRole": [
    ({ role: name }) => ({ name }),
    ({ role: name }) => ({ name, force: true }),
  ],
  "/auth.v1.RoleService/AssignRole": [
    ({ userId }) => ({ userId, role: "viewer" }),
    ({ userId }, { role }) => ({ userId, role }),
    ({ role }, { userId }) => ({ userId, role }),
  ],
  "/auth.v1.RoleService/UnassignRole": [({ userId, role }) => ({ userId, role })],
  "/auth.v1.RoleService/GetUserRoles": [({ userId }) => ({ userId })],
  "/auth.v1.RoleService/ListUserPermissions": [({ userId }) => ({ userId })],

  "/auth.v1.SigningKeyService/ListSigningKeys": { installation: [() => ({})] },
  "/auth.v1.SigningKeyService/RotateSigningKey": { installation: [() => ({})] },
  "/auth.v1.SigningKeyService/RetireSigningKey": { installation: [() => ({ kid: "any", now: true })] },
  "/auth.v1.SigningKeyService/ImportSigningKey": { installation: [() => ({ key: "any" })] },
  "/auth.v1.TokenService/MintToken": {
    installation: [({ userId }) => ({ userId }), (_, { userId }) => ({ userId })],
  },
  "/auth.v1.TokenService/InspectToken": { installation: [({ accessToken: token }) => ({ token })] },
  "/auth.v1.PolicyService/ListRules": { installation: [() => ({})] },
  "/auth.v1.PolicyService/Explain": {
    installation: [({ userId }) => ({ userId, procedure: "/auth.v1.AuthService/WhoAmI" })],
  },
  "/auth.v1.PolicyService/ListShadowDifferences": { installation: [() => ({})] },
  "/auth.v1.TenantService/CreateTenant": { installation: [() => ({ id: newName() })] },
  "/auth.v1.TenantService/GetTenant": {
    installation: [({ tenant: id }) => ({ id }), (_, { tenant: id }) => ({ id })],
  },
  "/auth.v1.TenantService/ListTenants": { installation: [() => ({})] },
  "/auth.v1.TenantService/UpdateTenant": { installation: [({ tenant: id }) => ({ id, name: newName() })] },
  "/auth.v1.TenantService/DisableTenant": { installation: [({ tenant: id }) => ({ id })] },
  "/auth.v1.TenantService/EnableTenant": { installation: [({ tenant: id }) => ({ id })] },
  "/auth.v1.TenantService/DeleteTenant": { installation: [({ tenant: id }) => ({ id })] },

  "/auth.v1.LogService/ListRequests": [
    ({ userId }) => ({ filter: { userId: String(userId) } }),
    ({ keyId: apiKeyId }) => ({ filter: { apiKeyId } }),
    ({ requestId }) => ({ filter: { requestId } }),
    ({ tenant, userId }) => ({ filter: { tenant, userId: String(userId) } }),
  ],
  "/auth.v1.LogService/GetRequest": [({ requestId }) => ({ requestId })],
  "/auth.v1.LogService/WatchRequests":
    "it tells what ends from now on; log-service.test.ts has two tenants watch",
  "/auth.v1.LogService/ExportRequests": [
    ({ userId }) => ({ format: "csv", filter: { userId: String(userId), ...logged } }),
    ({ keyId: apiKeyId }) => ({ format: "ndjson", filter: { apiKeyId, ...logged } }),
  ],
  "/auth.v1.LogService/GetStatistics": [
    ({ userId }) => ({ ...logged, of: { dimension: "user", value: String(userId) } }),
    ({ keyId }) => ({ ...logged, of: { dimension: "api_key", value: keyId } }),
  ],
  "/auth.v1.LogService/GetTimeSeries": [
    ({ keyId }) => ({ step: "hour", ...logged, of: { dimension: "api_key", value: keyId } }),
  ],

  "/auth.v1.AuditService/ListAudit": auditFilters.map((filter) => (target) => ({ filter: filter(target) })),
  "/auth.v1.AuditService/GetAudit": [({ auditSequence: sequence }) => ({ sequence })],
  "/auth.v1.AuditService/ExportAudit": auditFilters.map((filter) => (target) => ({ filter: filter(target) })),
  "/auth.v1.AuditService/VerifyAudit": { installation: [() => ({})] },

  "/auth.v1.SystemService/GetConfiguration": { installation: [() => ({})] },
  "/auth.v1.SystemService/ListProcedures": { installation: [() => ({})] },
  "/auth.v1.SystemService/ListNodes": { installation: [() => ({})] },

  "/auth.v1.LimitService/ListLimits": "limits are the installation's, and for everybody whom they limit",
  "/auth.v1.LimitService/GetLimitUsage": [
    ({ userId }) => ({ subject: `user:${userId}` }),
    ({ keyId }) => ({ subject: `key:${keyId}` }),
  ],
  "/auth.v1.LimitService/ResetLimits": { installation: [({ keyId }) => ({ subject: keyId })] },

  "/auth.v1.RevocationService/WatchRevocations": { installation: [() => ({})] },
  "/auth.v1.RevocationService/GetAccount": { installation: [({ userId }) => ({ userId: String(userId) })] },
  "/auth.v1.RevocationService/ReportUsage": {
    installation: [({ keyId }) => ({ keys: [{ keyId, calls: 1n }] })],
  },

  "/api.users.UserService/GetUser": [({ userId }) => ({ userId })],
  "/api.users.UserService/UpdateProfile": own,
  "/api.users.UserService/ListAllUsers": [() => ({})],
  "/api.users.UserService/DeleteUser": [({ userId }) => ({ userId })],
  "/api.users.UserService/WatchUsers": [() => ({})],
  "/api.users.UserService/Upload": "it is about nobody",
  "/api.users.UserService/Chat": "it is about nobody",
};

/** The forms of OAuth: each with every kind of credential in them. */
export const formTokens: readonly ((target: Target) => string)[] = [
  ({ accessToken }) => accessToken,
  ({ refreshToken }) => refreshToken,
  ({ key }) => key,
];
