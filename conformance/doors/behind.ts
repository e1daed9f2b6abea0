import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { ServerCredentials } from "@grpc/grpc-js";
import { allow, type CallContext, createAuth, deny, type Principal, principalOf } from "countersign";
import { grpcAuth, implement } from "countersign/grpc";
import {
  ListAllUsersResponseSchema,
  UserResponseSchema,
  UserService,
} from "../../examples/gen/api/users/users_pb.ts";
import type { Kit, ServeKit } from "./kit.ts";
import { serve as serveHttp } from "./node.ts";
import { callerHeader } from "./proxy.ts";

/** The demo service as it stands behind a proxy: it guards nothing, and believes what the proxy says of its caller. */
export const serve: ServeKit = async (kit) => {
  const routes = kit.routes.map(({ path, run }) => ({ path, run }));
  const http = await serveHttp({ ...kit, auth: believing(kit), guards: ["optional"], routes });
  return { ...http, grpc: await serveGrpc(kit) };
};

function believing({ users }: Kit) {
  return createAuth<Principal>({
    policy: [],
    mode: "optional",
    authenticators: [
      {
        name: "proxy",
        header: callerHeader,
        challenge: undefined,
        unrecognized: () => "TOKEN_INVALID",
        start: () => async (id) => {
          const user = await users.load(id);
          return user === undefined
            ? deny("TOKEN_INVALID")
            : allow(principalOf(user, { authenticator: "proxy" }, undefined), "proxy");
        },
      },
    ],
  });
}

async function serveGrpc(kit: Kit): Promise<string> {
  const run = async <D extends DescMessage>(
    name: string,
    answer: D,
    request: object,
    context: CallContext,
  ): Promise<MessageShape<D>> => {
    const route = kit.routes.find(({ path }) => path === `/${UserService.typeName}/${name}`);
    return fromJson(answer, ((await route?.run(request as never, context)) ?? {}) as JsonValue);
  };
  const who = ({ principal }: CallContext): string => principal?.username ?? "";
  const { definition, implementation } = implement(UserService, {
    getUser: ({ userId }, context) => run("GetUser", UserResponseSchema, { user_id: userId }, context),
    updateProfile: ({ bio }, context) => run("UpdateProfile", UserResponseSchema, { bio }, context),
    listAllUsers: (_request, context) => run("ListAllUsers", ListAllUsersResponseSchema, {}, context),
    deleteUser: ({ userId }, context) => run("DeleteUser", EmptySchema, { user_id: userId }, context),
    async *watchUsers(_request, context) {
      yield { requestedBy: who(context) };
    },
    async upload(chunks, context) {
      for await (const _ of chunks);
      return { uploadedBy: who(context) };
    },
    async *chat(lines, context) {
      for await (const { text } of lines) yield { text, from: who(context) };
    },
  });
  const server = grpcAuth(believing(kit)).createServer();
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return `127.0.0.1:${port}`;
}
