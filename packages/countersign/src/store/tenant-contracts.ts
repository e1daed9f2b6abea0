/** A tenant as a store keeps it. */
export interface TenantRecord {
  /** As a DNS label; it never changes, and is never given again. */
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Since when its users are refused; undefined while they are not. */
  readonly disabledAt: Date | undefined;
}

export interface NewTenant {
  readonly id: string;
  /** Unique without regard to case. Default: the id. */
  readonly name?: string | undefined;
}

/** A member that is absent or undefined stays as it is. */
export interface TenantPatch {
  readonly name?: string | undefined;
}

export interface TenantQuery {
  readonly limit: number;
  /** The id of the last tenant of the page before. */
  readonly after?: string | undefined;
}

/**
 * Tenants. Every change appends its audit row (`tenant.created`, `tenant.updated`, `tenant.disabled`, `tenant.enabled`,
 * `tenant.deleted`) and, where it refuses somebody or does so no more, its revocation event in the same transaction; a
 * change that changes nothing appends neither.
 */
export interface TenantStore {
  /** Throws `Conflict` on `id` for what is none, is taken or was, and on `name`. */
  create(tenant: NewTenant, by: string): Promise<TenantRecord>;
  find(id: string): Promise<TenantRecord | undefined>;
  /** In order of id. */
  list(query: TenantQuery): Promise<readonly TenantRecord[]>;
  /** Undefined if there is no such tenant. Throws `Conflict` on `name`. */
  update(id: string, patch: TenantPatch, by: string): Promise<TenantRecord | undefined>;
  /** Undefined if there is no such tenant. While it is disabled, `isActive` of all its users is false. */
  setDisabled(id: string, disabled: boolean, by: string): Promise<TenantRecord | undefined>;
  /** False if there is no such tenant. Throws `Conflict` on `id` while it has users. Its roles go with it. */
  delete(id: string, by: string): Promise<boolean>;
}
