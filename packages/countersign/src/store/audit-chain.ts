import { createHmac, createSecretKey, hash as digest, type KeyObject, timingSafeEqual } from "node:crypto";
import type { AuditAnchor, AuditFault, AuditVerdict } from "./audit-contracts.ts";
import type { AuditContent, AuditRow } from "./audit-row.ts";
import { StoreUnavailable } from "./contracts.ts";

/** What stands for the hash of the row before the first. */
export const noHash = "0".repeat(64);

/** The last row, as the store keeps it beside the log. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
  /** 1: that row is sealed, and so will be all that follow. */
  readonly sealed: number;
}

/** Seals hashes, and knows seals of its own. */
export interface AuditSealer {
  seal(hash: string): string;
  /** Is this seal of one of the keys, and of this hash? */
  knows(seal: string, hash: string): boolean;
}

/** The columns in the order in which they are hashed. A new one goes to the end, and must be null in the rows of before. */
const hashed = [
  "sequence",
  "at",
  "actor",
  "action",
  "target",
  "details",
  "related",
  "old_values",
  "new_values",
  "api_key",
  "authenticator",
  "address",
  "request_id",
  "tenant",
] as const satisfies readonly (keyof AuditContent)[];

const numbers: ReadonlySet<string> = new Set(["sequence", "at"]);

/** The hash of a row: of its columns that are not null, as JSON in a fixed order, and of the hash before. */
export function auditHash(row: AuditContent, previous: string): string {
  const members: [string, string | number][] = [["previous", previous]];
  for (const column of hashed) {
    const value = row[column];
    // PostgreSQL's driver gives 64-bit integers as text.
    if (value !== null) members.push([column, numbers.has(column) ? Number(value) : value]);
  }
  return digest("sha256", JSON.stringify(Object.fromEntries(members)), "hex");
}

/** Throws `TypeError` for a key that is too short. */
export function createAuditSealer(keys: readonly Uint8Array[] = []): AuditSealer | undefined {
  if (keys.some(({ length }) => length < 32)) throw new TypeError("an audit key has 32 bytes or more");
  // Made once: from its bytes, a key costs eight times the hashing.
  const made = keys.map((key) => createSecretKey(key));
  const byId = new Map(made.map((key) => [keyId(key), key]));
  const [first] = byId;
  if (first === undefined) return undefined;
  const [id, key] = first;
  return Object.freeze({
    seal: (hash: string) => `${id}:${mac(key, hash)}`,
    knows(seal: string, hash: string) {
      const [id = "", value = ""] = seal.split(":");
      const key = byId.get(id);
      if (key === undefined) return false;
      const expected = Buffer.from(mac(key, hash));
      const given = Buffer.from(value);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  });
}

/** A row as it follows the last one. Throws `StoreUnavailable` if it would have to be sealed and cannot be. */
export function nextAuditRow(
  content: Omit<AuditContent, "sequence">,
  head: AuditHead,
  sealer: AuditSealer | undefined,
): { readonly row: AuditRow; readonly head: AuditHead } {
  if (sealer === undefined && Number(head.sealed) !== 0) throw sealedAlready();
  const numbered = { ...content, sequence: Number(head.sequence) + 1 };
  const hash = auditHash(numbered, head.hash);
  const row = { ...numbered, hash, seal: sealer?.seal(hash) ?? null };
  const { sequence } = row;
  return { row, head: { sequence, hash, sealed: sealer === undefined ? 0 : 1 } };
}

/** Looks at rows one after the other, from the first. */
export class AuditChecker {
  readonly #sealer: AuditSealer | undefined;
  readonly #anchor: AuditAnchor | undefined;
  /** The last one that was good. */
  #last: AuditAnchor = { sequence: 0, hash: noHash };
  #sealedFrom: number | undefined;
  #broken: AuditVerdict["broken"];

  constructor(sealer: AuditSealer | undefined, anchor: AuditAnchor | undefined) {
    this.#sealer = sealer;
    this.#anchor = anchor;
  }

  /** The last row that was good. */
  get last(): number {
    return this.#last.sequence;
  }

  /** False as soon as something is wrong. */
  check(row: AuditRow): boolean {
    const sequence = this.#last.sequence + 1;
    const fault = this.#faultOf(row, sequence);
    if (fault !== undefined) this.#broken = { sequence, fault };
    else this.#last = { sequence, hash: row.hash };
    return fault === undefined;
  }

  /** What is to be said, once all rows were looked at. `end`: the number of the last row that there is, as far as the head does not know. */
  verdict(head: AuditHead, end: number): AuditVerdict {
    return {
      checked: this.#last.sequence,
      head: this.#last,
      sealedFrom: this.#sealedFrom,
      broken: this.#broken ?? this.#atTheEnd(head, end),
    };
  }

  #faultOf(row: AuditRow, sequence: number): AuditFault | undefined {
    if (Number(row.sequence) !== sequence) return "missing";
    if (row.hash !== auditHash(row, this.#last.hash)) return "changed";
    if (this.#anchor?.sequence === sequence && this.#anchor.hash !== row.hash) return "anchor";
    return this.#sealer === undefined ? undefined : this.#sealFault(this.#sealer, row, sequence);
  }

  /** What was sealed with a key that is not known counts as not sealed, until one that is known follows. */
  #sealFault(sealer: AuditSealer, { seal, hash }: AuditRow, sequence: number): AuditFault | undefined {
    const known = seal !== null && sealer.knows(seal, hash);
    if (known) this.#sealedFrom ??= sequence;
    if (known || this.#sealedFrom === undefined) return undefined;
    return seal === null ? "unsealed" : "forged";
  }

  #atTheEnd(head: AuditHead, end: number): AuditVerdict["broken"] {
    const { sequence, hash } = this.#last;
    const next = sequence + 1;
    if (sequence < Number(head.sequence)) return { sequence: next, fault: "cut" };
    if (end > Number(head.sequence)) return { sequence: Number(head.sequence) + 1, fault: "added" };
    if (hash !== head.hash) return { sequence, fault: "changed" };
    if (this.#anchor !== undefined && this.#anchor.sequence > sequence)
      return { sequence: next, fault: "cut" };
    if (this.#sealer !== undefined && this.#sealedFrom === undefined && sequence > 0)
      return { sequence: 1, fault: "never sealed" };
    return undefined;
  }
}

function keyId(key: KeyObject): string {
  return mac(key, "countersign audit key").slice(0, 8);
}

function mac(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

function sealedAlready(): StoreUnavailable {
  return new StoreUnavailable(
    "the audit log is sealed with a master key that this process does not have: set master_key, or COUNTERSIGN_MASTER_KEY, to it",
  );
}
