/** What a condition may be, and what it may be asked about. */
export interface ConditionBounds {
  /** Characters of its text. Default: 1,024. */
  readonly sourceLength: number;
  /** Parts of its tree. Default: 200. */
  readonly nodes: number;
  /** How deep those stand in one another. Default: 32. */
  readonly depth: number;
  /** Elements of lists, maps and messages in the fields that it names, altogether. Default: 1,000. */
  readonly elements: number;
  /** Characters and bytes in those fields, altogether. Default: 65,536. */
  readonly text: number;
}

export const defaultBounds: ConditionBounds = Object.freeze({
  sourceLength: 1024,
  nodes: 200,
  depth: 32,
  elements: 1000,
  text: 65_536,
});
