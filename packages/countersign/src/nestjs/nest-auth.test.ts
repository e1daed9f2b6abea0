import "reflect-metadata";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import {
  Body,
  Controller,
  Get,
  Module,
  Post,
  Req,
  RequestMapping,
  RequestMethod,
  Res,
  type Type,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GrpcMethod, GrpcStreamMethod, MessagePattern, Payload, Transport } from "@nestjs/microservices";
import express, { type Request, type Response } from "express";
import { map, type Observable } from "rxjs";
import { type CallContext, currentCall } from "../context/call-context.ts";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import { grpcAuth } from "../grpc.ts";
import { describeDoor } from "../http/door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "../http/door-routes.suite.ts";
import { AllowAny, Authenticators, CurrentContext, CurrentPrincipal, Guards, nestAuth } from "../nestjs.ts";

// Node strips types, and knows no decorators yet: they are called here as a compiler would call them.

type Decorator = (target: object, key: string, descriptor: PropertyDescriptor) => unknown;
type ParameterDecorator = (target: object, key: string, index: number) => unknown;

/** Gives a controller a method with decorators. */
function method(
  target: Type,
  key: string,
  run: (...given: never[]) => unknown,
  decorators: readonly Decorator[],
  parameters: readonly ParameterDecorator[] = [],
): void {
  // Decorators leave what they are told at the function.
  const value = (...given: never[]): unknown => run(...given);
  Object.defineProperty(target.prototype, key, { value, configurable: true, writable: true });
  for (const [index, parameter] of parameters.entries()) parameter(target.prototype, key, index);
  for (const decorator of decorators.toReversed()) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key) as PropertyDescriptor;
    Object.defineProperty(
      target.prototype,
      key,
      (decorator(target.prototype, key, descriptor) as PropertyDescriptor) ?? descriptor,
    );
  }
}

/** A controller, and the module around it. */
function moduleOf(imports: readonly object[], ...controllers: readonly Type[]): Type {
  class Root {}
  Module({ imports: imports as never, controllers: [...controllers] })(Root);
  return Root;
}

async function start({ auth, options, routes }: DoorSetup): Promise<StartedDoor> {
  class Suite {}
  Controller()(Suite);
  for (const [index, [name, { run, auth: own, guards }]] of Object.entries(routes).entries()) {
    const [verb = "", path = ""] = name.split(" ");
    const handler = async (request: Request, response: Response, context: CallContext) => {
      const result = await run({ context, params: request.params });
      if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) {
        response.json(result);
        return;
      }
      for await (const chunk of result as AsyncIterable<string>) response.write(chunk);
      response.end();
    };
    const decorators: Decorator[] = [
      RequestMapping({ path, method: RequestMethod[verb as "GET"] }) as Decorator,
    ];
    if (guards !== undefined) decorators.push(Guards(...(guards as readonly [typeof isStaff])) as Decorator);
    if (own !== undefined) decorators.push(Authenticators(...own) as Decorator);
    method(Suite, `handle${index}`, handler, decorators, [
      Req(),
      Res(),
      CurrentContext(),
    ] as ParameterDecorator[]);
  }
  const guard = nestAuth(auth, { ...options, body: express.json() });
  const app = await NestFactory.create(moduleOf([guard], Suite), {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  });
  await app.listen(0, "127.0.0.1");
  return { port: (app.getHttpServer().address() as AddressInfo).port, close: () => app.close() };
}

describeDoor({ name: "nestjs", start, decoded: true, hides: "framework" });

describe("a Nest application", () => {
  const handler = () => "ok";
  const appOf = async (build: (target: Type) => void, given: object = {}, options: object = {}) => {
    class Some {}
    Controller("some")(Some);
    build(Some);
    const auth = suiteAuth();
    const root = moduleOf([nestAuth(auth, { guards: [isAuthenticated], ...given })], Some);
    const app = await NestFactory.create(root, {
      bodyParser: false,
      logger: false,
      abortOnError: false,
      ...options,
    });
    app.setGlobalPrefix("api");
    await app.init();
    return { app, auth };
  };
  const namesOf = (auth: ReturnType<typeof suiteAuth>) =>
    auth
      .rules()
      .filter(({ source }) => source === "route")
      .map(({ procedure, rule }) => `${procedure} ${rule}`);

  it("names handlers by prefix, controller and method; a method's word counts before its class's", async () => {
    class Base {}
    method(Base as Type, "inherited", handler, [Get("base") as Decorator]);
    const { app, auth } = await appOf((target) => {
      Object.setPrototypeOf(target.prototype, Base.prototype);
      Guards(isStaff)(target);
      method(target, "one", handler, [Get(["a", "b/:id"]) as Decorator]);
      method(target, "two", handler, [Get("open") as Decorator, AllowAny() as Decorator]);
    });
    assert.deepEqual(namesOf(auth), [
      "GET /api/some/a isStaff",
      "GET /api/some/b/:id isStaff",
      "GET /api/some/open open",
      "GET /api/some/base isStaff",
    ]);
    await app.close();
  });

  it("does not start where bodies are read first, with a rule about a body that nobody reads, or another transport", async () => {
    await assert.rejects(
      appOf(() => {}, {}, { bodyParser: true }),
      /reads bodies before a decision/,
    );
    const needs = Guards(withRequest<Principal, unknown>(() => true)) as Decorator;
    await assert.rejects(
      appOf((target) => method(target, "a", handler, [Post() as Decorator, needs])),
      /names the request/,
    );
    const pattern = MessagePattern("orders") as Decorator;
    await assert.rejects(
      appOf((target) => method(target, "a", handler, [pattern])),
      /no handler of HTTP or gRPC/,
    );
    const rpc = GrpcMethod("Echo", "Say") as Decorator;
    await assert.rejects(
      appOf((target) => method(target, "a", handler, [rpc])),
      /the package of Echo is not known/,
    );
  });

  it("does not quote a body that it cannot read", async () => {
    const { app } = await appOf(
      (target) =>
        method(target, "a", handler, [Post() as Decorator, AllowAny() as Decorator], [
          Body(),
        ] as ParameterDecorator[]),
      { body: express.json() },
    );
    await app.listen(0, "127.0.0.1");
    const { port } = app.getHttpServer().address() as AddressInfo;
    const init = { method: "POST", body: "{s3cret", headers: { "content-type": "application/json" } };
    const response = await fetch(`http://127.0.0.1:${port}/api/some`, init);
    assert.equal(response.status, 400);
    assert.ok(!(await response.text()).includes("s3cret"));
    await app.close();
  });
});

describe("a Nest microservice for gRPC", () => {
  it("decides by the interceptor, with the rules of the decorators", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "countersign-nest-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const protoPath = join(folder, "echo.proto");
    writeFileSync(
      protoPath,
      `syntax = "proto3"; package demo;
       message Line { string text = 1; }
       service Echo { rpc Say (Line) returns (Line); rpc Own (Line) returns (Line); rpc Fails (Line) returns (Line);
                      rpc Chat (stream Line) returns (stream Line); rpc Bare (Line) returns (Line); }`,
    );
    class Echo {}
    Controller()(Echo);
    let ran = 0;
    const say = (_line: unknown, principal: Principal | undefined) => {
      ran += 1;
      return { text: `${principal?.userId} ${currentCall()?.userId}` };
    };
    const asked = [Payload(), CurrentPrincipal()] as ParameterDecorator[];
    const own = withRequest<Principal, { text: string }>(({ userId }, { text }) => text === userId);
    method(Echo, "say", say, [GrpcMethod("Echo", "Say") as Decorator, Guards(isStaff) as Decorator], asked);
    method(Echo, "own", say, [GrpcMethod("demo.Echo", "Own") as Decorator, Guards(own) as Decorator], asked);
    const fails = (_line: unknown, context: CallContext) => context.requireSuperuser();
    method(Echo, "fails", fails, [GrpcMethod("Echo", "Fails") as Decorator], [
      Payload(),
      CurrentContext(),
    ] as ParameterDecorator[]);
    const chat = (lines: Observable<object>) => lines.pipe(map(() => ({ text: currentCall()?.userId })));
    method(Echo, "chat", chat, [GrpcStreamMethod("Echo", "Chat") as Decorator]);

    const auth = suiteAuth();
    const rpc = grpcAuth(auth);
    const guard = nestAuth(auth, { guards: [isAuthenticated], grpcPackage: "demo", toStatus: rpc.toStatus });
    const app = await NestFactory.createMicroservice(moduleOf([guard], Echo), {
      transport: Transport.GRPC,
      logger: false,
      options: {
        package: "demo",
        protoPath,
        url: "127.0.0.1:0",
        channelOptions: { interceptors: [rpc.interceptor] } as never,
      },
    } as never);
    await app.listen();
    t.after(() => app.close());
    const port = portOf(app);
    const { demo } = loadPackageDefinition(loadSync(protoPath)) as never as {
      demo: { Echo: new (...given: unknown[]) => never };
    };
    const client = new demo.Echo(`127.0.0.1:${port}`, credentials.createInsecure()) as never as Record<
      string,
      (...given: unknown[]) => never
    >;
    t.after(() => client["close"]?.());
    const call = (name: string, user?: string, text = "") => {
      const metadata = new Metadata();
      if (user !== undefined) metadata.set("x-user", user);
      return new Promise((resolve) =>
        client[name]?.({ text }, metadata, (error: ServiceError | null, answer?: { text: string }) =>
          resolve(error === null ? answer?.text : [error.code, error.details]),
        ),
      );
    };
    assert.deepEqual(await call("Say"), [16, "Authentication required"]);
    assert.deepEqual(await call("Say", "ada"), [7, "Staff access required"]);
    assert.deepEqual(await call("Own", "ada", "bob"), [7, "Permission denied"]);
    assert.deepEqual(await call("Bare", "staff"), [7, "Permission denied"]);
    assert.equal(ran, 0);
    assert.equal(await call("Say", "staff"), "staff staff");
    assert.equal(await call("Own", "ada", "ada"), "ada ada");
    assert.deepEqual(await call("Fails", "ada"), [7, "Superuser access required"]);
    const metadata = new Metadata();
    metadata.set("x-user", "ada");
    const stream = client["Chat"]?.(metadata) as never as NodeJS.ReadWriteStream;
    stream.write({ text: "hello" } as never);
    stream.end();
    for await (const line of stream) assert.deepEqual(line, { text: "ada" });
  });
});

/** Nest does not tell which port was chosen. */
function portOf(app: unknown): number {
  const { serverInstance } = app as {
    serverInstance: { grpcClient: { http2Servers?: unknown; boundPorts: Map<string, { mapKey: string }> } };
  };
  const [bound] = [...serverInstance.grpcClient.boundPorts.keys()];
  return Number(/:(\d+)$/.exec(bound ?? "")?.[1]);
}
