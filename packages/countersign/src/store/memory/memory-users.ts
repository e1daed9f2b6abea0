import type { RevocationEvent } from "../../core/revocation.ts";
import type { NewUser, UserCondition, UserPatch, UserQuery, UserRecord, UserStore } from "../contracts.ts";
import { foldCase } from "../fold-case.ts";
import { countLogin, knownForMs, unlockAudit } from "../login-guard.ts";
import { pageLimit } from "../page-limit.ts";
import { noSuchRole } from "../role-row.ts";
import type { PasswordStreak } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import { userCreated, userDeleted, userUpdated } from "../user-audit.ts";
import { lastSuperuser, taken } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import {
  changeUser,
  isActiveSuperuser,
  newUserRow,
  nothingCounted,
  toUserRecord,
  type UserRow,
  type UserRowElsewhere,
} from "../user-row.ts";
import type { MemoryAudit } from "./memory-audit.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { MemoryTenants } from "./memory-tenants.ts";
import { rowsToList } from "./rows-to-list.ts";

/** What belongs to users and goes, or is revoked, with them. */
export interface OwnedByUsers {
  /** Returns the events of what it revoked. */
  userDeleted(userId: string): readonly RevocationEvent[];
}

export interface MemoryUsersOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: MemoryAudit;
  readonly tenants: Pick<MemoryTenants, "require" | "disabledAt">;
}

/** Rows by id, in the order of their ids. */
export class MemoryUsers implements UserStore {
  readonly #now: () => number;
  readonly #revocations: MemoryRevocationLog;
  readonly #audit: MemoryAudit;
  readonly #tenants: MemoryUsersOptions["tenants"];
  readonly #rows = new Map<string, UserRow>();
  readonly #idByUsername = new Map<string, string>();
  readonly #idByEmail = new Map<string, string>();
  /** When each network stops being known, by user. */
  readonly #networks = new Map<string, Map<string, number>>();
  #owned: readonly OwnedByUsers[] = [];
  #isRole: (name: string, tenant: string | null) => boolean = () => false;
  #lastId = 0;

  constructor({ now, revocations, audit, tenants }: MemoryUsersOptions) {
    this.#now = now;
    this.#tenants = tenants;
    this.#revocations = revocations;
    this.#audit = audit;
  }

  /** Keys need users and users need keys: called once, before anything else. */
  own(...owned: readonly OwnedByUsers[]): void {
    this.#owned = owned;
  }

  /** As `own()`. */
  takeRoles(isRole: (name: string, tenant: string | null) => boolean): void {
    this.#isRole = isRole;
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  isActive(id: string): boolean {
    return this.#record(id)?.isActive === true;
  }

  /** Undefined if there is no such user; null for one of no tenant. */
  tenantOf(id: string): string | null | undefined {
    return this.#rows.get(id)?.tenant;
  }

  isTenantEmpty(tenant: string): boolean {
    return ![...this.#rows.values()].some((row) => row.tenant === tenant);
  }

  /** The ids of those who hold a role. */
  holdersOf(role: string): readonly string[] {
    return [...this.#rows.values()].filter((row) => rolesOf(row).includes(role)).map(({ id }) => id);
  }

  /** Returns the event of the change; undefined if nothing changes. */
  setRole(id: string, role: string, held: boolean): RevocationEvent | undefined {
    const row = this.#rows.get(id);
    if (row === undefined || rolesOf(row).includes(role) === held) return undefined;
    const roles = held ? [...rolesOf(row), role] : rolesOf(row).filter((name) => name !== role);
    this.#rows.set(id, { ...row, roles: roles.join(",") || null, updated_at: this.#now() });
    return { kind: "user", userId: id, state: row.is_active === 1 ? "changed" : "disabled" };
  }

  async create(user: NewUser): Promise<UserRecord> {
    const row = this.#make(user);
    this.#audit.appendNow(userCreated(row));
    return toUserRecord(row);
  }

  /** As a part of another change, which has an audit row of its own. */
  createNow(user: NewUser): UserRecord {
    return toUserRecord(this.#make(user));
  }

  #make(user: NewUser): UserRow {
    const columns = newUserRow(user, this.#now());
    const tenant_disabled_at = this.#tenants.require(columns.tenant);
    const roles = [...new Set(user.roles)];
    const missing = roles.find((role) => !this.#isRole(role, columns.tenant));
    if (missing !== undefined) throw noSuchRole("roles", missing);
    this.#requireFree(columns, undefined);
    this.#lastId += 1;
    const own = { id: String(this.#lastId), roles: roles.join(",") || null, tenant_disabled_at };
    const row: UserRow = { ...columns, ...own };
    this.#put(row);
    return row;
  }

  load(id: string): UserRecord | undefined {
    return this.#record(id);
  }

  async findByUsername(username: string): Promise<UserRecord | undefined> {
    return this.#record(this.#idByUsername.get(foldCase(username)));
  }

  async findByEmail(email: string): Promise<UserRecord | undefined> {
    return this.#record(this.#idByEmail.get(foldCase(email)));
  }

  async firstSuperuser(): Promise<UserRecord | undefined> {
    const row = [...this.#rows.values()].find(isActiveSuperuser);
    return row && this.#present(row);
  }

  async list({ limit, after, ids, text = "", tenantId }: UserQuery): Promise<readonly UserRecord[]> {
    const start = after === undefined ? 0n : parseUserId(after);
    if (start === undefined) return [];
    const part = foldCase(text);
    const inOrder = ids && [...ids].sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
    return rowsToList(this.#rows, inOrder)
      .filter((row) => BigInt(row.id) > start)
      .filter((row) => tenantId === undefined || (row.tenant ?? "") === tenantId)
      .filter((row) => row.username_folded.includes(part) || row.email_folded?.includes(part) === true)
      .slice(0, pageLimit(limit))
      .map((row) => this.#present(row));
  }

  async update(id: string, patch: UserPatch, condition?: UserCondition): Promise<UserRecord | undefined> {
    const before = this.#rows.get(id);
    if (before === undefined) return undefined;
    if (condition !== undefined && before.password_hash !== condition.passwordHash) return undefined;
    const change = changeUser(before, patch, this.#now());
    if (change === undefined) return this.#present(before);
    this.#requireFree(change.row, before.id);
    if (change.stepsDownBy !== undefined) this.#requireAnotherSuperuser(id, change.stepsDownBy);
    this.#audit.appendNow(userUpdated(before, change.row));
    this.#revocations.appendNow([change.event]);
    this.#forgetNames(before);
    this.#put(change.row);
    if (change.row.password_hash !== before.password_hash) this.#networks.delete(id);
    return this.#present(change.row);
  }

  async unlockPassword(id: string, by: string): Promise<UserRecord | undefined> {
    requireStorableText("by", by);
    if (this.forgetFailures(id)) this.#audit.appendNow(unlockAudit(id, by));
    return this.#record(id);
  }

  hasPassword(id: string, hash: string): boolean {
    return this.#rows.get(id)?.password_hash === hash;
  }

  /** Returns whether the account was locked. */
  forgetFailures(id: string): boolean {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    this.#rows.set(id, { ...row, ...nothingCounted });
    return row.password_locked_at !== null;
  }

  /** Returns whether the account is locked for this one. */
  countLogin(streak: PasswordStreak): boolean {
    const row = this.#rows.get(streak.userId);
    if (row === undefined) return false;
    const { locked, edit, audit } = countLogin(row, streak, this.#now());
    this.#rows.set(row.id, { ...row, ...edit });
    if (audit !== undefined) this.#audit.appendNow(audit);
    return locked;
  }

  rememberNetwork(id: string, network: string, now: number): void {
    const networks = this.#networks.get(id) ?? new Map<string, number>();
    this.#networks.set(id, networks.set(network, now + knownForMs));
  }

  knowsNetwork(id: string, network: string, now: number): boolean {
    return (this.#networks.get(id)?.get(network) ?? 0) > now;
  }

  async delete(id: string): Promise<boolean> {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    if (isActiveSuperuser(row)) this.#requireAnotherSuperuser(id, "id");
    this.#rows.delete(id);
    this.#networks.delete(id);
    this.#forgetNames(row);
    const revoked = this.#owned.flatMap((owned) => owned.userDeleted(id));
    this.#revocations.appendNow([{ kind: "user", userId: id, state: "deleted" }, ...revoked]);
    const count = (kind: string): number => revoked.filter((event) => event.kind === kind).length;
    this.#audit.appendNow(userDeleted(row, { keys: count("key"), sessions: count("session") }));
    return true;
  }

  async passwordHash(id: string): Promise<string | undefined> {
    return this.#rows.get(id)?.password_hash ?? undefined;
  }

  #record(id: string | undefined): UserRecord | undefined {
    const row = id === undefined ? undefined : this.#rows.get(id);
    return row && this.#present(row);
  }

  /** With the state that its tenant is in now. */
  #present(row: UserRow): UserRecord {
    return toUserRecord({ ...row, tenant_disabled_at: this.#tenants.disabledAt(row.tenant) });
  }

  #requireFree(columns: Omit<UserRow, "id" | UserRowElsewhere>, ownId: string | undefined): void {
    const byUsername = this.#idByUsername.get(columns.username_folded) ?? ownId;
    if (byUsername !== ownId) throw taken("username");
    if (columns.email_folded === null) return;
    const byEmail = this.#idByEmail.get(columns.email_folded) ?? ownId;
    if (byEmail !== ownId) throw taken("email");
  }

  #requireAnotherSuperuser(id: string, field: string): void {
    const another = [...this.#rows.values()].some((row) => row.id !== id && isActiveSuperuser(row));
    if (!another) throw lastSuperuser(field);
  }

  #put(row: UserRow): void {
    this.#rows.set(row.id, row);
    this.#idByUsername.set(row.username_folded, row.id);
    if (row.email_folded !== null) this.#idByEmail.set(row.email_folded, row.id);
  }

  #forgetNames(row: UserRow): void {
    this.#idByUsername.delete(row.username_folded);
    if (row.email_folded !== null) this.#idByEmail.delete(row.email_folded);
  }
}

function rolesOf({ roles }: UserRow): readonly string[] {
  return roles?.split(",") ?? [];
}
