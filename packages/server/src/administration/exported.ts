import { apiKeyStatus, type Store } from "countersign/store";

export const exportKinds = ["users", "keys", "roles", "audit"] as const;
export type ExportKind = (typeof exportKinds)[number];

/** What is written of one kind. */
export interface Exported {
  readonly columns: readonly string[];
  readonly pages: AsyncIterable<readonly Readonly<Record<string, unknown>>[]>;
}

const limit = 500;

/** Everything of one kind, in portions: named member by member, so that no secret and no digest comes along. */
export function exported(store: Store, kind: ExportKind): Exported {
  return readers[kind](store);
}

const readers: Readonly<Record<ExportKind, (store: Store) => Exported>> = {
  users: ({ users }) => ({
    columns: [
      ...["id", "username", "email", "is_active", "is_staff", "is_superuser", "roles", "attributes"],
      ...["created_at", "updated_at", "password_locked_at"],
    ],
    pages: paged(
      (last?: { readonly id: string }) => users.list({ limit, after: last?.id }),
      (user) => ({
        id: user.id,
        username: user.username,
        email: user.email ?? null,
        is_active: user.isActive,
        is_staff: user.isStaff,
        is_superuser: user.isSuperuser,
        roles: user.roles,
        attributes: user.attributes,
        created_at: user.createdAt,
        updated_at: user.updatedAt,
        password_locked_at: user.passwordLockedAt ?? null,
      }),
    ),
  }),
  keys: ({ apiKeys }) => {
    const now = new Date();
    return {
      columns: [
        ...["id", "name", "description", "type", "user_id", "status", "scopes", "roles", "total_requests"],
        ...[
          "created_at",
          "last_used_at",
          "expires_at",
          "disabled_at",
          "revoked_at",
          "revoked_reason",
          "revoked_by",
        ],
      ],
      pages: paged(
        (after?: { readonly createdAt: Date; readonly id: string }) => apiKeys.list({ limit, now, after }),
        (key) => ({
          id: key.id,
          name: key.name,
          description: key.description,
          type: key.type,
          user_id: key.userId,
          status: apiKeyStatus(key, now),
          scopes: key.scopes,
          roles: key.roles,
          total_requests: key.totalRequests,
          created_at: key.createdAt,
          last_used_at: key.lastUsedAt ?? null,
          expires_at: key.expiresAt ?? null,
          disabled_at: key.disabledAt ?? null,
          revoked_at: key.revokedAt ?? null,
          revoked_reason: key.revokedReason ?? null,
          revoked_by: key.revokedBy ?? null,
        }),
      ),
    };
  },
  roles: ({ roles }) => ({
    columns: ["name", "description", "permissions", "inherits", "built_in", "created_at", "updated_at"],
    pages: paged(
      (last?: { readonly name: string }) => roles.list({ limit, after: last?.name }),
      (role) => ({
        name: role.name,
        description: role.description,
        permissions: role.permissions,
        inherits: role.inherits,
        built_in: role.builtIn,
        created_at: role.createdAt,
        updated_at: role.updatedAt,
      }),
    ),
  }),
  // Newest first.
  audit: ({ audit }) => ({
    columns: [
      ...["sequence", "at", "actor", "api_key", "authenticator", "address", "request_id", "action", "target"],
      ...["related", "details", "before", "after", "tenant", "hash", "sealed_with"],
    ],
    pages: paged(
      (last?: { readonly sequence: number }) => audit.list({ limit, before: last?.sequence }),
      ({ sequence, at, actor, action, target, details, hash, origin, ...record }) => ({
        sequence,
        at,
        actor,
        api_key: origin.apiKeyId ?? null,
        authenticator: origin.authenticator ?? null,
        address: origin.address ?? null,
        request_id: origin.requestId ?? null,
        action,
        target,
        related: record.related ?? null,
        details,
        before: record.before ?? null,
        after: record.after ?? null,
        tenant: record.tenantId ?? null,
        hash,
        sealed_with: record.sealedWith ?? null,
      }),
    ),
  }),
};

async function* paged<R>(
  read: (last?: R) => Promise<readonly R[]>,
  toRecord: (record: R) => Readonly<Record<string, unknown>>,
): AsyncGenerator<readonly Readonly<Record<string, unknown>>[]> {
  for (let page = await read(); page.length > 0; page = page.length < limit ? [] : await read(page.at(-1)))
    yield page.map((record) => plain(toRecord(record)));
}

/** Instants as text. */
function plain(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members = Object.entries(record).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(members) as Readonly<Record<string, unknown>>;
}
