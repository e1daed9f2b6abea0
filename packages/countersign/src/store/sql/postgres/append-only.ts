/**
 * Triggers against UPDATE, DELETE and TRUNCATE, and against a number that is not the next one up. They stop programs and
 * people that err, not somebody who may drop triggers.
 */
export function appendOnly(table: string): readonly string[] {
  const refuse = `begin raise exception '${table} is append-only'; end`;
  return [
    `create function ${table}_refuse() returns trigger language plpgsql as $$ ${refuse} $$`,
    `create function ${table}_next() returns trigger language plpgsql as $$ begin
       if new.sequence <> (select coalesce(max(sequence), 0) + 1 from ${table}) then raise exception '${table} is append-only'; end if;
       return new;
     end $$`,
    `create trigger ${table}_no_change before update or delete or truncate on ${table}
     for each statement execute function ${table}_refuse()`,
    `create trigger ${table}_rises before insert on ${table}
     for each row execute function ${table}_next()`,
  ];
}

/** What `appendOnly()` made, taken back: for a migration that writes the table anew. */
export function liftAppendOnly(table: string): readonly string[] {
  return [
    ...["no_change", "rises"].map((name) => `drop trigger ${table}_${name} on ${table}`),
    ...["refuse", "next"].map((name) => `drop function ${table}_${name}()`),
  ];
}

/** The channel on which a change of the revocation log is told. */
export const channel = "countersign_revocations";

/** A trigger that tells whoever listens, when the transaction commits, that the head row has moved. */
export function announces(table: string): readonly string[] {
  return [
    `create function ${table}_announce() returns trigger language plpgsql as $$ begin
       perform pg_notify('${channel}', '');
       return null;
     end $$`,
    `create trigger ${table}_moved after update of sequence on ${table}
     for each statement execute function ${table}_announce()`,
  ];
}
