/**
 * Triggers against UPDATE and DELETE, and against INSERT OR REPLACE, which removes a row without asking the trigger
 * for DELETE. They stop programs and people that err, not somebody who may drop triggers.
 */
export function appendOnly(table: string): readonly string[] {
  const refuse = `begin select raise(abort, '${table} is append-only'); end`;
  return [
    `create trigger ${table}_no_update before update on ${table} ${refuse}`,
    `create trigger ${table}_no_delete before delete on ${table} ${refuse}`,
    `create trigger ${table}_rises before insert on ${table}
     when new.sequence <= (select max(sequence) from ${table}) ${refuse}`,
  ];
}
