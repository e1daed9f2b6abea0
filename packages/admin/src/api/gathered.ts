/** How many ids a list takes. */
const most = 1000;

/** What one list says about many, asked for one at a time: all that is asked for in one turn is one question. Null: it is not there. */
export function gathered<T>(
  list: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (id: string) => Promise<T | null> {
  let asking: { readonly ids: Set<string>; readonly answer: Promise<ReadonlyMap<string, T>> } | undefined;
  function begin() {
    const ids = new Set<string>();
    const answer = new Promise((resolve) => setTimeout(resolve)).then(() => {
      if (asking?.ids === ids) asking = undefined;
      return list([...ids]);
    });
    return { ids, answer };
  }
  return async (id) => {
    if (asking === undefined || asking.ids.size >= most) asking = begin();
    asking.ids.add(id);
    return (await asking.answer).get(id) ?? null;
  };
}
