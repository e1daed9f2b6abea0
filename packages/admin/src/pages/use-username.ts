import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { UserService } from "../api/protos.ts";

/** Finds the id of a username. Undefined: there is none. Throws where that cannot be told. */
export function useUsername(): (username: string) => Promise<bigint | undefined> {
  const transport = useTransport();
  return async (username) => {
    const client = createClient(UserService, transport);
    try {
      const { user } = await client.getUser({ selector: { case: "username", value: username } });
      return user?.id;
    } catch (error) {
      const { code } = ConnectError.from(error);
      // What is no username is nobody's.
      if (code === Code.NotFound || code === Code.InvalidArgument) return undefined;
      throw error;
    }
  };
}
