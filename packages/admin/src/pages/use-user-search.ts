import { useQuery } from "@connectrpc/connect-query";
import { UserService } from "../api/protos.ts";
import { whileTyping } from "../api/while-typing.ts";
import { text } from "../text.ts";
import type { Search } from "../ui/found-list.tsx";

/** How many are offered. */
export const mostFound = 8;

/** Users whom a text is about, while somebody types it. */
export function useUserSearch(query: string, enabled = true): Search {
  const { data, isPlaceholderData } = useQuery(
    UserService.method.listUsers,
    { query, pageSize: mostFound },
    { ...whileTyping, enabled },
  );
  const found = data?.users.map(({ id, username, isActive }) => ({
    ...{ id: String(id), name: username },
    ...(!isActive && { note: text.users.disabled }),
  }));
  return { found, searched: data === undefined || isPlaceholderData ? undefined : query };
}
