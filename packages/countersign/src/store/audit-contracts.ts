/** One administrative or security event: a link of the chain that the audit log is. */
export interface AuditRecord {
  /** Rises by one. */
  readonly sequence: number;
  readonly at: Date;
  /** The user id of who did it, or `system`. */
  readonly actor: string;
  /** What was done: `session.revoked`. */
  readonly action: string;
  /** What it was done to: `session:abc`, `user:7`. */
  readonly target: string;
  /** What else it concerns: the owner of a key, the role that was assigned. */
  readonly related: string | undefined;
  /** Without secrets. */
  readonly details: Readonly<Record<string, string>>;
  /** What was there before, as far as it changed, without secrets. Undefined for what was made. */
  readonly before: Readonly<Record<string, string>> | undefined;
  /** What is there now, as far as it changed, without secrets. Undefined for what is gone. */
  readonly after: Readonly<Record<string, string>> | undefined;
  /** With what, and from where. */
  readonly origin: AuditOrigin;
  /** The tenant of what it was done to, or else of who did it. Absent: the installation's own. */
  readonly tenantId?: string | undefined;
  /** SHA-256 over the row and the hash of the one before, in hexadecimal digits. */
  readonly hash: string;
  /** Under which key the hash is sealed, by its id; undefined for one that is not. */
  readonly sealedWith: string | undefined;
}

/** Who is acting, and how it came in. */
export interface AuditOrigin {
  /** The user id of who acts. */
  readonly actor?: string | undefined;
  /** The id of the API key that it acts with. */
  readonly apiKeyId?: string | undefined;
  /** The authenticator that recognised it; `local` for whoever works on the store itself. */
  readonly authenticator?: string | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
}

/** What a change says of itself; the rest is the store's to add. */
export interface AuditEntry {
  /** Default: the origin's, or `system`. */
  readonly actor?: string | undefined;
  readonly action: string;
  readonly target: string;
  readonly related?: string | undefined;
  readonly details: Readonly<Record<string, string>>;
  readonly before?: Readonly<Record<string, string>> | undefined;
  readonly after?: Readonly<Record<string, string>> | undefined;
  /** The tenant of what it was done to, null for the installation's own. Default: looked up. */
  readonly tenant?: string | null | undefined;
}

/** Each member narrows it down. */
export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly apiKeyId?: string | undefined;
  readonly action?: string | undefined;
  /** What it was done to, or what else it concerns. */
  readonly target?: string | undefined;
  readonly since?: Date | undefined;
  /** Exclusive. */
  readonly until?: Date | undefined;
  /** Part of action, target, details, what was there or is there, address or request id; in upper or lower case as it is. */
  readonly text?: string | undefined;
  /** Only rows of this tenant. */
  readonly tenantId?: string | undefined;
}

export interface AuditQuery extends AuditFilter {
  readonly limit: number;
  /** Only rows before this number. Absent: from the newest. */
  readonly before?: number | undefined;
  /** Only rows after this number, and oldest first. */
  readonly after?: number | undefined;
}

/** A row that was there once, as it was told: kept elsewhere, it says whether what is before it was made anew. */
export interface AuditAnchor {
  readonly sequence: number;
  readonly hash: string;
}

/**
 * - `changed`: its hash is not that of its content and of the row before. It, or what it was put in front of, is not what was written.
 * - `missing`: it is not there, and a later one is.
 * - `cut`: it and all after it are not there, and the head knows of them.
 * - `added`: the head does not know of it.
 * - `unsealed`: it has no seal, although an earlier one has.
 * - `forged`: its seal is of no key that is known, or not of its hash.
 * - `never sealed`: no row is sealed with a key that is known.
 * - `anchor`: it is not the row that was told.
 */
export type AuditFault =
  | "changed"
  | "missing"
  | "cut"
  | "added"
  | "unsealed"
  | "forged"
  | "never sealed"
  | "anchor";

export interface AuditProgress {
  /** So many rows were looked at. */
  readonly checked: number;
  readonly total: number;
}

export interface AuditVerdict {
  readonly checked: number;
  /** The last row, to be kept elsewhere as an anchor. */
  readonly head: AuditAnchor;
  /** From which row on all are sealed. What is before is held by the chain alone. Undefined where no keys are known. */
  readonly sealedFrom: number | undefined;
  /** The first row that is wrong; undefined if none is. */
  readonly broken: { readonly sequence: number; readonly fault: AuditFault } | undefined;
}

/** Only grows: SQL refuses to change or remove a row. */
export interface AuditStore {
  append(entry: AuditEntry): Promise<AuditRecord>;
  find(sequence: number): Promise<AuditRecord | undefined>;
  /** Newest first, unless `after` is there. */
  list(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Looks at every row, from the first to the last that is there at the beginning. */
  verify(anchor?: AuditAnchor): AsyncGenerator<AuditProgress, AuditVerdict, void>;
}

/** What an audit log is told when its store is opened. */
export interface AuditOptions {
  /** Who is acting now; undefined for the program itself. Asked when a change begins. */
  readonly origin?: (() => AuditOrigin | undefined) | undefined;
  /**
   * Each row is sealed with the first of these (HMAC-SHA-256, 32 bytes or more), so that nobody can write the log anew who has the
   * database alone. Others are those of before. A log that was sealed once is only written with a key.
   */
  readonly keys?: readonly Uint8Array[] | undefined;
}
