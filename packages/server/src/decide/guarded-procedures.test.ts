import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { UserService } from "../gen/api/users/users_pb.ts";
import { guardedProcedures, protocolOf } from "./guarded-procedures.ts";

const procedures = guardedProcedures(
  ["/acme.Orders/Get", "GET /reports", "GET /reports/:id", "POST /reports", "PUT /acme.Orders/Get"],
  [UserService],
);
const grpc = "application/grpc";
const find = (method: string, target: string, contentType = ""): string | undefined =>
  procedures.find({ method, target, contentType });

describe("what a request asks for", () => {
  it("is an RPC by POST, as it is written", () => {
    for (const type of [grpc, "application/grpc+proto", "application/json", "application/grpc-web-text", ""])
      equal(find("POST", "/acme.Orders/Get", type), "/acme.Orders/Get");
    equal(find("POST", "/api.users.UserService/Chat", grpc), "/api.users.UserService/Chat");
    equal(find("POST", "/grpc.health.v1.Health/Check", grpc), "/grpc.health.v1.Health/Check");
  });

  it("is no RPC with a query, by another method, or under another spelling", () => {
    for (const target of [
      ...[
        "/acme.Orders/Get?",
        "/acme.Orders/Get?x=1",
        "/acme.Orders/Get/",
        "/acme.Orders//Get",
        "//acme.Orders/Get",
      ],
      ...[
        "/acme.orders/get",
        "/acme.Orders/Ge%74",
        "/x/../acme.Orders/Get",
        "/acme.Orders/Get#x",
        "acme.Orders/Get",
      ],
    ])
      equal(find("POST", target, grpc), undefined, target);
    for (const method of ["GET", "PUT", "OPTIONS", "post", "TRACE", ""])
      equal(find(method, "/acme.Orders/Get", grpc), undefined, method);
    // Whatever a route says that looks like one.
    equal(find("PUT", "/acme.Orders/Get"), undefined);
  });

  it("SECURITY: is nothing where a service that decodes, or folds case, would read another rule's path", () => {
    const routes = guardedProcedures(
      ["GET /files/admin", "GET /files/:name", "POST /:service/:method", "/acme.Orders/Delete"],
      [],
    );
    const asked = (method: string, target: string, contentType = ""): string | undefined =>
      routes.find({ method, target, contentType });
    equal(asked("GET", "/files/admin"), "GET /files/admin");
    equal(asked("GET", "/files/Report%20of%20M%C3%A4rz"), "GET /files/:name");
    for (const target of ["/files/%61dmin", "/files/ADMIN", "/files/adm%49n", "/Files/admin"])
      equal(asked("GET", target), undefined, target);
    equal(asked("POST", "/acme.Orders/Other"), "POST /:service/:method");
    for (const target of ["/acme.Orders/%44elete", "/acme.orders/delete", "/ACME.Orders/Delete"])
      equal(asked("POST", target), undefined, target);
  });

  it("is an RPC by GET where it has no side effects, over Connect alone", () => {
    const query = "/api.users.UserService/GetUser?connect=v1&encoding=json&message=%7B%7D";
    equal(find("GET", query), "/api.users.UserService/GetUser");
    equal(find("GET", query, grpc), undefined);
    equal(find("GET", "/api.users.UserService/DeleteUser?connect=v1"), undefined);
  });

  it("is a route by method and path, whatever the query", () => {
    equal(find("GET", "/reports?a=/../b"), "GET /reports");
    equal(find("HEAD", "/reports"), "GET /reports");
    equal(find("GET", "/reports/7"), "GET /reports/:id");
    equal(find("GET", "/reports/7%20b"), "GET /reports/:id");
    for (const [method, target] of [
      ...[
        ["DELETE", "/reports"],
        ["OPTIONS", "/reports"],
        ["GET", "/reports/"],
        ["GET", "/Reports"],
      ],
      ...[
        ["GET", "/reports/7/8"],
        ["GET", "/reports/%2e%2e"],
        ["GET", "/reports/7;x"],
        ["GET", "/"],
      ],
    ] as const)
      equal(find(method, target), undefined, `${method} ${target}`);
    equal(find("GET", "/reports", grpc), undefined);
  });

  it("has a protocol by what its body is", () => {
    const protocols = [
      grpc,
      "application/grpc+json",
      "application/grpc-web",
      "application/grpc-web-text+proto",
    ].map((type) => protocolOf("/a.B/C", type));
    deepEqual(protocols, ["grpc", "grpc", "grpc-web", "grpc-web"]);
    equal(protocolOf("/a.B/C", "application/json"), "connect");
    equal(protocolOf("GET /x", "application/json"), "http");
  });
});

it("a rule that is neither an RPC nor a route stops the start", () => {
  throws(() => guardedProcedures(["GET /a/*"], []), /is no route/);
  throws(() => guardedProcedures(["GET /a/:b", "GET /a/:c"], []), /two routes answer/);
});
