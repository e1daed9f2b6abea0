/**
 * Triggers against UPDATE and DELETE, and against INSERT OR REPLACE, which removes a row without asking the trigger
 * for DELETE; and against a number that is not the next one up. They stop programs and people that err, not somebody who may drop triggers.
 */
export function appendOnly(table: string): readonly string[] {
  const refuse = `begin select raise(abort, '${table} is append-only'); end`;
  return [
    `create trigger ${table}_no_update before update on ${table} ${refuse}`,
    `create trigger ${table}_no_delete before delete on ${table} ${refuse}`,
    `create trigger ${table}_rises before insert on ${table}
     when new.sequence <> (select coalesce(max(sequence), 0) + 1 from ${table}) ${refuse}`,
  ];
}

/** What `appendOnly()` made, taken back: for a migration that writes the table anew. */
export function liftAppendOnly(table: string): readonly string[] {
  return ["no_update", "no_delete", "rises"].map((name) => `drop trigger ${table}_${name}`);
}
