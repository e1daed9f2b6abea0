import { type Client, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { type LoginCredentials, memoryTokenStore } from "countersign/client";
import { serviceDefinition } from "countersign/grpc";
import { createAuthenticatedChannel, openSession } from "countersign/grpc/client";
import { UserService } from "../gen/api/users/users_pb.ts";

type Users = Client & {
  updateProfile(request: { bio: string }, done: (error: ServiceError | null) => void): void;
};

/** Logs in, makes a call as oneself, and logs out. */
export async function changeBio(address: string, who: LoginCredentials, bio: string): Promise<void> {
  const session = openSession({
    address, // AuthService; TLS but on this machine
    store: memoryTokenStore(),
    onEnd: (reason) => console.error("the session is over:", reason),
  });
  await session.login(who);

  // Any class that was generated for grpc-js; all of its calls and streams renew themselves.
  const channel = createAuthenticatedChannel(address, session);
  const users = channel.client(
    makeClientConstructor(serviceDefinition(UserService), "UserService"),
  ) as unknown as Users;
  try {
    await new Promise<void>((resolve, reject) => {
      users.updateProfile({ bio }, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    await session.logout();
    channel.close();
    session.close();
  }
}
