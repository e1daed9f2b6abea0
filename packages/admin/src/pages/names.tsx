import { useQuery } from "@connectrpc/connect-query";
import { type ApiKey, ApiKeyService, type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";

/** A name changes seldom, and stands in many rows. */
const kept = { staleTime: 300_000, retry: false } as const;

/** The account of an id; undefined for one that is gone, or that one may not see. */
export function useUser(id: string): User | undefined {
  const { can } = useMe();
  const wanted = /^\d{1,18}$/.test(id) ? BigInt(id) : 0n;
  const enabled = wanted > 0n && can("auth.users:read");
  // One list names most of them, and who is missing in the midst of it is gone: it is in order of id.
  const first = useQuery(UserService.method.listUsers, { pageSize: 200 }, { ...kept, enabled });
  const users = first.data?.users;
  const listed = users?.find((user) => user.id === wanted);
  const isBeyond = first.isError || (users !== undefined && wanted > (users.at(-1)?.id ?? 0n));
  const single = useQuery(
    UserService.method.getUser,
    { selector: { case: "id", value: wanted } },
    { ...kept, enabled: enabled && isBeyond },
  );
  return listed ?? single.data?.user;
}

/** The key of an id; undefined for one that is gone, or that one may not see. */
export function useKey(id: string): ApiKey | undefined {
  const { can } = useMe();
  const enabled = id !== "" && can("auth.keys:read");
  return useQuery(ApiKeyService.method.getApiKey, { id }, { ...kept, enabled }).data?.apiKey;
}

/** The username of an id, or the id itself. */
export function UserName({ id }: { id: string }) {
  return <span title={id}>{useUser(id)?.username ?? id}</span>;
}

/** The name of a key, or its id. */
export function KeyName({ id }: { id: string }) {
  return <span title={id}>{useKey(id)?.name ?? id}</span>;
}

/** Where a call came from, without the port that means nothing in a list. */
export function addressOf(peer: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(peer)?.[1];
  return bracketed ?? peer.replace(/^([^:]+):\d+$/, "$1");
}
