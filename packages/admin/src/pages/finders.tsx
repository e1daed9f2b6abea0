import { useQuery } from "@connectrpc/connect-query";
import { useState } from "react";
import { ApiKeyService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { whileTyping } from "../api/while-typing.ts";
import { Finder } from "../ui/finder.tsx";
import { Narrow } from "../ui/narrow.tsx";
import { useKey, useUser } from "./names.tsx";
import { mostFound, useUserSearch } from "./use-user-search.ts";

interface Props {
  readonly label: string;
  /** The id. */
  readonly value: string;
  readonly onChange: (id: string) => void;
}

/** Narrows a list down to a user, by name; by id for who may not look at users. */
export function UserFinder(props: Props) {
  return useMe().can("auth.users:read") ? <ByUsername {...props} /> : <Narrow {...props} />;
}

function ByUsername({ label, value, onChange }: Props) {
  const [query, setQuery] = useState("");
  const search = useUserSearch(query);
  const user = useUser(value);
  const chosen = value === "" ? undefined : { id: value, name: user?.username ?? value };
  return <Finder {...{ label, chosen, onChange }} {...search} onSearch={setQuery} />;
}

/** Narrows a list down to an API key, by name; by id for who may not look at keys. */
export function KeyFinder(props: Props) {
  return useMe().can("auth.keys:read") ? <ByKeyName {...props} /> : <Narrow {...props} />;
}

function ByKeyName({ label, value, onChange }: Props) {
  const [query, setQuery] = useState("");
  const { data, isPlaceholderData } = useQuery(
    ApiKeyService.method.listApiKeys,
    { text: query, pageSize: mostFound },
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
