import { useQuery } from "@connectrpc/connect-query";
import { ApiKeyService, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";

/** A name changes seldom, and stands in many rows. */
const kept = { staleTime: 300_000, retry: false } as const;

/** The username of an id; the id itself for an account that is gone, or that one may not see. */
export function UserName({ id }: { id: string }) {
  const { can } = useMe();
  const known = /^\d+$/.test(id);
  const { data } = useQuery(
    UserService.method.getUser,
    { selector: { case: "id", value: known ? BigInt(id) : 0n } },
    { ...kept, enabled: known && can("auth.users:read") },
  );
  return <span title={id}>{data?.user?.username ?? id}</span>;
}

/** The name of a key; its id for one that is gone, or that one may not see. */
export function KeyName({ id }: { id: string }) {
  const { can } = useMe();
  const { data } = useQuery(
    ApiKeyService.method.getApiKey,
    { id },
    { ...kept, enabled: can("auth.keys:read") },
  );
  return <span title={id}>{data?.apiKey?.name ?? id}</span>;
}

/** Where a call came from, without the port that means nothing in a list. */
export function addressOf(peer: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(peer)?.[1];
  return bracketed ?? peer.replace(/^([^:]+):\d+$/, "$1");
}
