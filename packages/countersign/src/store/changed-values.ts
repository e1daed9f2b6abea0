type Values = Readonly<Record<string, string>>;

/** What was there and what is there, of those members alone that differ. A member that is absent is the empty text. */
export function changedValues(
  before: Values,
  after: Values,
): { readonly before: Values; readonly after: Values } {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => (before[name] ?? "") !== (after[name] ?? ""));
  const of = (values: Values): Values =>
    Object.fromEntries(changed.map((name) => [name, values[name] ?? ""]));
  return { before: of(before), after: of(after) };
}

/** What is said of something that is new, or gone: without what it does not have. */
export function filledValues(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== "[]"));
}
