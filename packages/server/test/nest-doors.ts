import "reflect-metadata";
import { fileURLToPath } from "node:url";
import type { DescMethod } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { Controller, Module, Post } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GrpcMethod, GrpcStreamMethod, Transport } from "@nestjs/microservices";
import { grpcAuth } from "countersign/grpc";
import { Guards, nestAuth } from "countersign/nestjs";
import { decoratedMethod } from "../../../tools/decorated-method.ts";
import { freePort } from "../../../tools/local-server.ts";
import { servable } from "../src/descriptors.ts";
import { allOrNone } from "./all-or-none.ts";
import { callGrpc, type Door } from "./doors.ts";
import { type Ask, overHttp, type Routes } from "./route-doors.ts";

export interface NestDoors {
  readonly http: Ask;
  readonly grpc: Door["call"];
  readonly close: () => Promise<void>;
}

const protos = fileURLToPath(new URL("../../../proto", import.meta.url));

/** Every RPC twice in one application of Nest's: a route of HTTP, and a method of a microservice, with its rule as a decorator. */
export async function openNestDoors({ auth, rules, run }: Routes): Promise<NestDoors> {
  class Http {}
  Controller()(Http);
  class Grpc {}
  Controller()(Grpc);
  for (const method of servable.flatMap(({ methods }) => methods)) {
    const path = `/${method.parent.typeName}/${method.name}`;
    const rule = rules.get(path);
    const guards = rule === undefined ? [] : [Guards(rule)];
    decoratedMethod(Http, run, [Post(path), ...guards], []);
    decoratedMethod(Grpc, run, [handling(method), ...guards], []);
  }
  const own = auth();
  const { interceptor, toStatus } = grpcAuth(own);
  class App {}
  // The program's own routes of HTTP have rules as well, and are served by none of these doors.
  Module({ imports: [nestAuth(own, { toStatus, seal: false })], controllers: [Http, Grpc] })(App);
  const app = await NestFactory.create(App, { bodyParser: false, logger: false, abortOnError: false });
  const url = `127.0.0.1:${await freePort()}`;
  const files = new Set(servable.map(({ file }) => `${file.name}.proto`));
  app.connectMicroservice(
    {
      transport: Transport.GRPC,
      options: {
        package: [...new Set(servable.map(({ file }) => file.proto.package))],
        protoPath: [...files],
        loader: { includeDirs: [protos], keepCase: true },
        url,
        channelOptions: { interceptors: [interceptor] },
      },
    } as never,
    { inheritAppConfig: true },
  );
  return allOrNone(async (atEnd) => {
    atEnd(() => app.close());
    await app.startAllMicroservices();
    await app.listen(0, "127.0.0.1");
    const client = new Client(url, credentials.createInsecure());
    atEnd(() => client.close());
    return {
      http: overHttp(await app.getUrl()),
      grpc: (call: Parameters<Door["call"]>[0]) => callGrpc(client, call),
    };
  });
}

function handling({ parent, name, methodKind }: DescMethod): MethodDecorator {
  const streams = methodKind === "client_streaming" || methodKind === "bidi_streaming";
  return (streams ? GrpcStreamMethod : GrpcMethod)(parent.typeName, name);
}
