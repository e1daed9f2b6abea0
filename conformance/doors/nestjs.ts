import { freePort } from "../../tools/local-server.ts";
import "reflect-metadata";
import { join } from "node:path";
import { Body, Controller, HttpCode, Module, Post, type Type } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GrpcMethod, GrpcStreamMethod, Payload, Transport } from "@nestjs/microservices";
import type { CallContext } from "countersign";
import { grpcAuth } from "countersign/grpc";
import { Authenticators, CurrentContext, Guards, nestAuth } from "countersign/nestjs";
import express from "express";
import { last, map, type Observable, of } from "rxjs";
import { type Json, protoFolder } from "../protos.ts";

import type { KitRoute, ServeKit } from "./kit.ts";

type Decorator = (
  target: object,
  key: string,
  descriptor: PropertyDescriptor,
) => PropertyDescriptor | undefined;
type Parameter = (target: object, key: string, index: number) => void;

/** What a compiler makes of decorators, which Node does not know yet. */
function method(
  target: Type,
  run: (...given: never[]) => unknown,
  decorators: readonly unknown[],
  parameters: readonly unknown[],
): void {
  const key = `method${Object.keys(Object.getOwnPropertyDescriptors(target.prototype)).length}`;
  // A function of its own: decorators leave what they are told there.
  const value = (...given: never[]): unknown => run(...given);
  Object.defineProperty(target.prototype, key, { value, configurable: true, writable: true });
  for (const [index, parameter] of parameters.entries())
    (parameter as Parameter)(target.prototype, key, index);
  for (const decorator of decorators.toReversed()) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key) as PropertyDescriptor;
    const decorated = (decorator as Decorator)(target.prototype, key, descriptor);
    Object.defineProperty(target.prototype, key, decorated ?? descriptor);
  }
}

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
    method(Http, run, [Post(route.path), HttpCode(200), ...rule(route)], [Body(), CurrentContext()]);
    const [, service = "", name = ""] = route.path.split("/");
    if (service.includes("."))
      method(Grpc, run, [GrpcMethod(service, name), ...rule(route)], [Payload(), CurrentContext()]);
  }
  const users = "api.users.UserService";
  const given = [Payload(), CurrentContext()];
  method(
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
  method(Grpc, upload, [GrpcStreamMethod(users, "Upload")], given);
  const chat = (lines: Observable<Json>, context: CallContext) =>
    lines.pipe(map(() => ({ from: who(context) })));
  method(Grpc, chat, [GrpcStreamMethod(users, "Chat")], given);

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
