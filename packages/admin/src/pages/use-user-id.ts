import { useQuery } from "@connectrpc/connect-query";
import { UserService } from "../api/protos.ts";

/** The id of a username that a list is narrowed down to; 0, which nobody has, until it is known and where there is none. */
export function useUserId(username: string): bigint {
  const { data } = useQuery(
    UserService.method.getUser,
    { selector: { case: "username", value: username } },
    { enabled: username !== "", staleTime: 60_000, retry: false },
  );
  return username === "" ? 0n : (data?.user?.id ?? 0n);
}
