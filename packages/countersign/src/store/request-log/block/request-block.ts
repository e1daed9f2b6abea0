import type { StoredRequest } from "../../request-contracts.ts";
import type { RowSource } from "./block-builder.ts";
import { type NumberMember, numberMembers, type TextMember, textMembers } from "./block-members.ts";
import { decodeNumbers } from "./number-column.ts";
import { sections } from "./sections.ts";
import { TextColumn } from "./text-column.ts";

/** Rows of a log as they are kept together. What is asked for is read, and once. */
export class RequestBlock implements RowSource {
  readonly length: number;
  readonly #sections: readonly Uint8Array[];
  readonly #numbers = new Map<NumberMember, Float64Array>();
  readonly #places = new Map<TextMember, Float64Array>();
  #texts: TextColumn | undefined;
  #dictionary: readonly string[] | undefined;
  #requestIds: TextColumn | undefined;

  constructor(data: Uint8Array) {
    this.#sections = sections(data, 1 + numberMembers.length + textMembers.length + 2);
    this.length = decodeNumbers(this.#section(0), 1)[0] ?? 0;
  }

  /** What is in the dictionary, for those who want little of it. */
  get texts(): TextColumn {
    this.#texts ??= new TextColumn(this.#section(1 + numberMembers.length + textMembers.length));
    return this.#texts;
  }

  get dictionary(): readonly string[] {
    this.#dictionary ??= this.texts.all();
    return this.#dictionary;
  }

  get requestIds(): TextColumn {
    this.#requestIds ??= new TextColumn(this.#section(2 + numberMembers.length + textMembers.length));
    return this.#requestIds;
  }

  numbers(member: NumberMember): Float64Array {
    let column = this.#numbers.get(member);
    if (column === undefined) {
      column = decodeNumbers(this.#section(1 + numberMembers.indexOf(member)), this.length);
      // See `BlockBuilder.encoded`.
      if (member === "id") column = column.map((step, row) => step + row);
      this.#numbers.set(member, column);
    }
    return column;
  }

  places(member: TextMember): Float64Array {
    let column = this.#places.get(member);
    if (column === undefined) {
      const section = 1 + numberMembers.length + textMembers.indexOf(member);
      column = decodeNumbers(this.#section(section), this.length);
      this.#places.set(member, column);
    }
    return column;
  }

  number(member: NumberMember, row: number): number {
    return this.numbers(member)[row] ?? 0;
  }

  place(member: TextMember, row: number): number {
    return this.places(member)[row] ?? 0;
  }

  requestId(row: number): string {
    return this.requestIds.at(row);
  }

  text(member: TextMember, row: number): string | undefined {
    const place = this.place(member, row);
    return place === 0 ? undefined : this.texts.at(place);
  }

  record(row: number): StoredRequest {
    const number = (member: NumberMember): number => this.number(member, row);
    const text = (member: TextMember): string | undefined => this.text(member, row);
    return {
      id: number("id"),
      requestId: this.requestId(row),
      at: number("at"),
      durationMs: number("durationUs") / 1000,
      procedure: text("procedure") ?? "",
      protocol: text("protocol") ?? "",
      code: number("code"),
      reason: text("reason"),
      userId: text("userId"),
      apiKeyId: text("apiKeyId"),
      authenticator: text("authenticator"),
      peer: text("peer"),
      userAgent: text("userAgent"),
      received: number("received"),
      sent: number("sent"),
      rule: text("rule"),
      missing: text("missing"),
      tenantId: text("tenantId"),
    };
  }

  #section(n: number): Uint8Array {
    return this.#sections[n] ?? new Uint8Array();
  }
}
