import { createClient } from "@connectrpc/connect";
import { useQuery } from "@tanstack/react-query";
import { gathered } from "../api/gathered.ts";
import { type ApiKey, ApiKeyService, type User, UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { transport } from "../api/transport.ts";

/** A name changes seldom, and stands in many rows. */
const kept = { staleTime: 300_000, retry: false } as const;

const userById = gathered(async (ids) => {
  const request = { ids: ids.map(BigInt), pageSize: ids.length };
  const { users } = await createClient(UserService, transport).listUsers(request);
  return new Map(users.map((user) => [String(user.id), user]));
});

const keyById = gathered(async (ids) => {
  const request = { ids: [...ids], pageSize: ids.length };
  const { apiKeys } = await createClient(ApiKeyService, transport).listApiKeys(request);
  return new Map(apiKeys.map((apiKey) => [apiKey.id, apiKey]));
});

/** The account of an id; undefined for one that is gone, or that one may not see. */
export function useUser(id: string): User | undefined {
  const { can } = useMe();
  const enabled = /^[1-9]\d{0,17}$/.test(id) && can("auth.users:read");
  return (
    useQuery({ queryKey: ["user", id], queryFn: () => userById(id), ...kept, enabled }).data ?? undefined
  );
}

/** The key of an id; undefined for one that is gone, or that one may not see. */
export function useKey(id: string): ApiKey | undefined {
  const { can } = useMe();
  const enabled = id !== "" && can("auth.keys:read");
  return useQuery({ queryKey: ["key", id], queryFn: () => keyById(id), ...kept, enabled }).data ?? undefined;
}

/** The username of an id, or the id itself. */
export function UserName({ id }: { id: string }) {
  return <span title={id}>{useUser(id)?.username ?? id}</span>;
}

/** The name of a key, or its id. */
export function KeyName({ id }: { id: string }) {
  return <bdi title={id}>{useKey(id)?.name ?? id}</bdi>;
}

/** Where a call came from, without the port that means nothing in a list. */
export function addressOf(peer: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(peer)?.[1];
  return bracketed ?? peer.replace(/^([^:]+):\d+$/, "$1");
}
