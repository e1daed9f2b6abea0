import type { RequestFilter } from "../../request-contracts.ts";
import { foldedText } from "../matches.ts";
import { soughtMembers, type TextMember } from "./block-members.ts";
import type { RequestBlock } from "./request-block.ts";
import type { FilterMember, ValueFilter } from "./value-filter.ts";

/** Where a text is looked for, beside the request id. */
const withText = ["procedure", "userAgent", "peer"] as const satisfies readonly TextMember[];

type Test = (row: number) => boolean;

/** Can a block have a row that the filter lets through? `values` are those of its rows. */
export function mayMatch(values: ValueFilter, filter: RequestFilter): boolean {
  const { codes = [], requestId, status } = filter;
  const has = (member: FilterMember, value: string | undefined): boolean =>
    value === undefined || values.mayHave(member, value);
  if (!has("requestId", requestId) || !soughtMembers.every((member) => has(member, filter[member])))
    return false;
  if (status === "success" && !has("code", "0")) return false;
  if (status === "error" && !has("error", "")) return false;
  return codes.length === 0 || codes.some((code) => has("code", String(code)));
}

/** The rows of a block that a filter lets through, as `matches` decides it, the last ones first. */
export function* matchingRows(block: RequestBlock, filter: RequestFilter): Generator<number> {
  const tests = testsOf(block, filter);
  if (tests === undefined) return;
  for (let row = block.length - 1; row >= 0; row--) if (tests.every((test) => test(row))) yield row;
}

/** What is looked at of each row, the cheapest first. Undefined: no row can match. */
function testsOf(block: RequestBlock, filter: RequestFilter): readonly Test[] | undefined {
  const { status, codes = [], since, until, requestId, text = "" } = filter;
  const tests: Test[] = [];
  const at = block.numbers("at");
  if (since !== undefined) tests.push((row) => (at[row] ?? 0) >= since);
  if (until !== undefined) tests.push((row) => (at[row] ?? 0) < until);
  const code = block.numbers("code");
  if (status !== undefined) tests.push((row) => (code[row] === 0) === (status === "success"));
  if (codes.length > 0) tests.push((row) => codes.includes(code[row] ?? 0));
  for (const member of soughtMembers) {
    const wanted = filter[member];
    if (wanted === undefined) continue;
    // Its first one stands for none.
    const place = block.texts.indexOf(wanted, 1);
    if (place < 0) return undefined;
    const places = block.places(member);
    tests.push((row) => places[row] === place);
  }
  if (requestId !== undefined) tests.push((row) => block.requestId(row) === requestId);
  if (text !== "") tests.push(containing(block, foldedText(text)));
  return tests;
}

/** Each text of the dictionary is looked at once, and request ids where nothing else has it. */
function containing(block: RequestBlock, wanted: string): Test {
  const has = block.texts.containing(wanted);
  const columns = withText.map((member) => block.places(member));
  const ids = block.requestIds.containing(wanted);
  return (row) => columns.some((places) => has[places[row] ?? 0] === 1) || ids[row] === 1;
}
