import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { audiencesOf } from "./audiences.ts";

const procedures = ["/acme.Orders/Get", "/acme.Orders/Put", "GET /reports"];
const said = (upstreams: Parameters<typeof audiencesOf>[0]): unknown => {
  const audiences = audiencesOf(upstreams, procedures);
  return audiences.ok
    ? procedures.map((procedure) => audiences.ofProcedure.get(procedure))
    : audiences.problem;
};

describe("upstreams", () => {
  it("take what they name, and one of them the rest", () => {
    deepEqual(said({ all: {} }), ["all", "all", "all"]);
    deepEqual(said({ orders: { methods: ["/acme.Orders/*"] }, rest: {} }), ["orders", "orders", "rest"]);
    deepEqual(
      said({ a: { methods: ["/acme.Orders/Get", "GET /reports"] }, b: { methods: ["/acme.Orders/Put"] } }),
      [...["a", "b", "a"]],
    );
  });

  it("leave nothing out, share nothing, and name nothing that is not there", () => {
    deepEqual(
      said({ a: { methods: ["/acme.Orders/*"] } }),
      "none serves GET /reports: add it to methods, or leave methods out of one",
    );
    deepEqual(said({ a: {}, b: {} }), "a and b both serve what no other does: name the methods of one");
    deepEqual(
      said({ a: { methods: ["/acme.Orders/*"] }, b: { methods: ["/acme.Orders/Get"] }, c: {} }),
      "/acme.Orders/Get is served by a and by b",
    );
    deepEqual(
      said({ a: { methods: ["/acme.Order/*"] }, c: {} }),
      "a names /acme.Order/*, for which there is no rule of a service behind a proxy",
    );
  });
});
