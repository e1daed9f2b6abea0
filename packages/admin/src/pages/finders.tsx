import { useQuery } from "@connectrpc/connect-query";
import { useState } from "react";
import { ApiKeyService, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { whileTyping } from "../api/while-typing.ts";
import { text } from "../text.ts";
import { Finder } from "../ui/finder.tsx";
import { Narrow } from "../ui/narrow.tsx";
import { useKey, useUser } from "./names.tsx";

interface Props {
  readonly label: string;
  /** The id. */
  readonly value: string;
  readonly onChange: (id: string) => void;
}

const most = 8;

/** Narrows a list down to a user, by name; by id for who may not look at users. */
export function UserFinder(props: Props) {
  return useMe().can("auth.users:read") ? <ByUsername {...props} /> : <Narrow {...props} />;
}

function ByUsername({ label, value, onChange }: Props) {
  const [query, setQuery] = useState("");
  const { data, isPlaceholderData } = useQuery(
    UserService.method.listUsers,
    { query, pageSize: most },
    whileTyping,
  );
  const user = useUser(value);
  const found = data?.users.map(({ id, username, isActive }) => ({
    ...{ id: String(id), name: username },
    ...(!isActive && { note: text.users.disabled }),
  }));
  const chosen = value === "" ? undefined : { id: value, name: user?.username ?? value };
  return (
    <Finder
      {...{ label, chosen, found, onChange }}
      searched={data === undefined || isPlaceholderData ? undefined : query}
      onSearch={setQuery}
    />
  );
}

/** Narrows a list down to an API key, by name; by id for who may not look at keys. */
export function KeyFinder(props: Props) {
  return useMe().can("auth.keys:read") ? <ByKeyName {...props} /> : <Narrow {...props} />;
}

function ByKeyName({ label, value, onChange }: Props) {
  const [query, setQuery] = useState("");
  const { data, isPlaceholderData } = useQuery(
    ApiKeyService.method.listApiKeys,
    { text: query, pageSize: most },
    whileTyping,
  );
  const apiKey = useKey(value);
  const found = data?.apiKeys.map(({ id, name, user }) => ({ id, name, note: user?.username ?? "" }));
  const chosen = value === "" ? undefined : { id: value, name: apiKey?.name ?? value };
  return (
    <Finder
      {...{ label, chosen, found, onChange }}
      searched={data === undefined || isPlaceholderData ? undefined : query}
      onSearch={setQuery}
    />
  );
}
