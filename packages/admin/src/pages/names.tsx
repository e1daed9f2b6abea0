import { useQuery } from "@connectrpc/connect-query";
import { type ApiKey, ApiKeyService, type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";

/** A name changes seldom, and stands in many rows. */
const kept = { staleTime: 300_000, retry: false } as const;

/** The account of an id; undefined for one that is gone, or that one may not see. */
export function useUser(id: string): User | undefined {
  const { can } = useMe();
  const known = /^\d{1,18}$/.test(id);
  const { data } = useQuery(
    UserService.method.getUser,
    { selector: { case: "id", value: known ? BigInt(id) : 0n } },
    { ...kept, enabled: known && can("auth.users:read") },
  );
  return data?.user;
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
