import { useQuery } from "@connectrpc/connect-query";
import { type KeyboardEvent, useDeferredValue, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiKeyService, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { whileTyping } from "../api/while-typing.ts";
import { text } from "../text.ts";
import { type Command, commands, keyCommand, userCommand } from "./commands.ts";

/** Commands of which that is a part of the name, and keys and users that are called so. */
function useFound(typed: string): readonly Command[] {
  const { can } = useMe();
  const wanted = typed.trim().toLowerCase();
  const query = useDeferredValue(wanted);
  const asks = query.length >= 2;
  const keys = useQuery(
    ApiKeyService.method.listApiKeys,
    { text: query, pageSize: 4 },
    { ...whileTyping, enabled: asks && can("auth.keys:read") },
  );
  const users = useQuery(
    UserService.method.listUsers,
    { query, pageSize: 4 },
    { ...whileTyping, enabled: asks && can("auth.users:read") },
  );
  const isCalledSo = ({ name }: Command): boolean => name.toLowerCase().includes(wanted);
  const known = commands.filter((command) => isCalledSo(command) && (!command.needs || can(command.needs)));
  if (wanted.length < 2) return known;
  // Whoever types fast and presses Enter must not get what an earlier text has found.
  const found = [
    ...(keys.data?.apiKeys ?? []).map(({ id, name, user }) => keyCommand(id, name, user?.username ?? "")),
    ...(users.data?.users ?? []).map(({ id, username }) => userCommand(id, username)),
  ];
  const isOld = query !== wanted || keys.isPlaceholderData || users.isPlaceholderData;
  return [...known, ...(isOld ? found.filter(isCalledSo) : found)];
}

/** The field, and what it finds. */
export function Palette({ onDone, onLeft }: { onDone: () => void; onLeft: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [, go] = useLocation();
  const list = useId();
  const options = useRef<HTMLDivElement>(null);
  const found = useFound(typed);
  const chosen = Math.min(at, found.length - 1);
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onDone();
    if (command.path !== undefined) go(command.path);
    else command.run?.(onLeft);
  };
  const choose = (next: number): void => {
    setAt(next);
    options.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") choose(Math.min(chosen + 1, found.length - 1));
    else if (event.key === "ArrowUp") choose(Math.max(chosen - 1, 0));
    else if (event.key === "Enter") run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        // biome-ignore lint/a11y/noAutofocus: a dialog that was asked for in order to type into it
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found.length === 0 ? undefined : `${list}-${chosen}`}
        aria-label={text.shell.search}
        placeholder={text.shell.searchHint}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        className="h-12 w-full shrink-0 border-b border-line bg-transparent px-4 text-[15px] outline-none placeholder:text-faint"
      />
      <div
        ref={options}
        id={list}
        role="listbox"
        aria-label={text.shell.search}
        className="max-h-96 overflow-y-auto p-1.5 empty:hidden"
      >
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the field
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          <div
            key={`${command.name} ${command.path}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => run(command)}
            className={`flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-2 ${index === chosen ? "bg-accent-soft text-accent" : "hover:bg-hover"}`}
          >
            <command.icon size={16} aria-hidden="true" className="shrink-0" />
            <span className="min-w-0 grow truncate">{command.name}</span>
            {command.note && <span className="shrink-0 text-[13px] text-soft">{command.note}</span>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="px-2.5 py-6 text-center text-soft">{text.shell.nothingFound}</p>}
    </>
  );
}
