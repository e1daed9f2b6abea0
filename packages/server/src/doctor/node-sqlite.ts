/** Loaded where it is needed: it warns on older Nodes. */
export function nodeSqlite(): typeof import("node:sqlite") {
  return process.getBuiltinModule("node:sqlite");
}
