import { makeClientConstructor } from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { createAuthenticatedChannel, openSession } from "countersign/grpc/client";
import { UserService } from "../../examples/gen/api/users/users_pb.ts";
import { fileTokenStore } from "../../examples/token-file.ts";
import { type DemoClient, updateProfile } from "./renewing.ts";

// A program of its own: calls with the session of a file for so many milliseconds, and prints how each call ended.

const [, , address = "", file = "", lasts = "0"] = process.argv;
const session = openSession({ address, store: fileTokenStore(file) });
const channel = createAuthenticatedChannel(address, session);
const users = channel.client(
  makeClientConstructor(serviceDefinition(UserService), "UserService"),
) as unknown as DemoClient;
const outcomes = new Map<string, number>();
// From here on: how long a start takes depends on what else the machine does.
const until = Date.now() + Number(lasts);
while (Date.now() < until) {
  const outcome = await updateProfile(users);
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  await new Promise((resolve) => setTimeout(resolve, 25));
}
console.log(JSON.stringify(Object.fromEntries(outcomes)));
channel.close();
session.close();
