import "reflect-metadata";
import { join } from "node:path";
import { Body, Controller, HttpCode, Module, Post } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GrpcMethod, GrpcStreamMethod, Payload, Transport } from "@nestjs/microservices";
import type { CallContext } from "countersign";
import { grpcAuth } from "countersign/grpc";
import { Authenticators, CurrentContext, Guards, nestAuth } from "countersign/nestjs";
import express from "express";
import { last, map, type Observable, of } from "rxjs";
import { decoratedMethod } from "../../tools/decorated-method.ts";
import { freePort } from "../../tools/local-server.ts";
import { type Json, protoFolder } from "../protos.ts";
import type { KitRoute, ServeKit } from "./kit.ts";

const rule = ({ guards, auth }: KitRoute): readonly unknown[] => [
  ...(guards === undefined ? [] : [Guards(...(guards as Parameters<typeof Guards>))]),
  ...(auth === undefined ? [] : [Authenticators(...auth)]),
];
const who = (context: CallContext): string => context.principal?.username ?? "";

/** The unary RPCs at two doors, and the streams at the one for gRPC. */
export const serve: ServeKit = async ({ auth, guards, routes }) => {
  class Http {}
  Controller()(Http);
  class Grpc {}
  Controller()(Grpc);
  for (const route of routes) {
    const run = (request: Json, context: CallContext) => route.run(request ?? {}, context);
    decoratedMethod(Http, run, [Post(route.path), HttpCode(200), ...rule(route)], [Body(), CurrentContext()]);
    const [, service = "", name = ""] = route.path.split("/");
    if (service.includes("."))
      decoratedMethod(Grpc, run, [GrpcMethod(service, name), ...rule(route)], [Payload(), CurrentContext()]);
  }
  const users = "api.users.UserService";
  const given = [Payload(), CurrentContext()];
  decoratedMethod(
    Grpc,
    (_request: Json, context: CallContext) => of({ requested_by: who(context) }),
    [GrpcMethod(users, "WatchUsers")],
    given,
  );
  const upload = (chunks: Observable<Json>, context: CallContext) =>
    chunks.pipe(
      last(),
      map(() => ({ uploaded_by: who(context) })),
    );
  decoratedMethod(Grpc, upload, [GrpcStreamMethod(users, "Upload")], given);
  const chat = (lines: Observable<Json>, context: CallContext) =>
    lines.pipe(map(() => ({ from: who(context) })));
  decoratedMethod(Grpc, chat, [GrpcStreamMethod(users, "Chat")], given);

  const rpc = grpcAuth(auth);
  class App {}
  const guard = nestAuth(auth, { guards, body: express.json(), toStatus: rpc.toStatus });
  Module({ imports: [guard], controllers: [Http, Grpc] })(App);
  const app = await NestFactory.create(App, { bodyParser: false, logger: false, abortOnError: false });
  const url = `127.0.0.1:${await freePort()}`;
  const microservice = {
    transport: Transport.GRPC,
    options: {
      package: "api.users",
      protoPath: join(protoFolder, "api/users/users.proto"),
      loader: { includeDirs: [protoFolder], keepCase: true, longs: String },
      url,
      channelOptions: { interceptors: [rpc.interceptor] },
    },
  };
  app.connectMicroservice(microservice as never, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, "127.0.0.1");
  auth.seal();
  return { http: (await app.getUrl()).replace("http://", ""), grpc: url };
};
