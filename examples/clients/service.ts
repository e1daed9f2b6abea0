import { type Client, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { apiKeyFrom } from "countersign/client";
import { serviceDefinition } from "countersign/grpc";
import { createApiKeyChannel } from "countersign/grpc/client";
import { UserService } from "../gen/api/users/users_pb.ts";

type Users = Client & {
  getUser(request: object, done: (error: ServiceError | null, user?: { username: string }) => void): void;
};

/** One service calls another one, with a key of its own: `whoAmI(process.env)`. */
export async function whoAmI(variables: Readonly<Record<string, string | undefined>>): Promise<string> {
  const channel = createApiKeyChannel(
    variables["USERS_ADDRESS"] ?? "127.0.0.1:50051",
    apiKeyFrom(variables, "USERS_API_KEY"),
  );
  const users = channel.client(
    makeClientConstructor(serviceDefinition(UserService), "UserService"),
  ) as unknown as Users;
  try {
    return await new Promise((resolve, reject) => {
      users.getUser({}, (error, user) => (error === null ? resolve(user?.username ?? "") : reject(error)));
    });
  } finally {
    channel.close();
  }
}
