import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { Controller, type ControllerOptions, Get, Module, type Type, VersioningType } from "@nestjs/common";
import { NestFactory, RouterModule } from "@nestjs/core";
import { decoratedMethod } from "../../../../tools/decorated-method.ts";
import type { Guard } from "../core/guard.ts";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { suiteAuth } from "../http/door-routes.suite.ts";
import { AllowAny, Authenticators, Guards, nestAuth } from "../nestjs.ts";

type App = Awaited<ReturnType<typeof NestFactory.create>>;

interface Given {
  readonly rules?: Readonly<Record<string, Guard<Principal>>>;
  readonly controllers?: readonly Type[];
  readonly imports?: readonly unknown[];
  readonly setUp?: (app: App) => void;
  readonly options?: object;
}

const word = () => "ok";

function controller(at: string | ControllerOptions, ...methods: readonly (readonly unknown[])[]): Type {
  class Some {}
  Controller(at as ControllerOptions)(Some);
  for (const decorators of methods) decoratedMethod(Some, word, decorators, []);
  return Some;
}

/** What `paths` answer to a caller who is no staff, and to one who is. */
async function asked(given: Given, ...paths: readonly string[]): Promise<readonly unknown[]> {
  const { rules = {}, controllers = [], imports = [], setUp, options = {} } = given;
  const auth = suiteAuth({ policy: [policyFor<Principal>().routes(rules)] });
  class Root {}
  Module({
    imports: [nestAuth(auth, { guards: [isAuthenticated], ...options }), ...imports] as never,
    controllers: [...controllers],
  })(Root);
  const app = await NestFactory.create(Root, { bodyParser: false, logger: false, abortOnError: false });
  setUp?.(app);
  try {
    await app.listen(0, "127.0.0.1");
    const { port } = app.getHttpServer().address() as AddressInfo;
    const seen: unknown[] = [];
    for (const path of paths)
      for (const user of ["ada", "staff"]) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { "x-user": user } });
        await response.text();
        seen.push(response.status);
      }
    return seen;
  } finally {
    await app.close();
  }
}

describe("the rules of a table, and the routes that Nest registers", () => {
  const one = () => controller("c", [Get("a")]);
  class Sub {}
  Module({ controllers: [one()] })(Sub);

  const cases: Readonly<Record<string, readonly [Given, string]>> = {
    "a path without the global prefix": [
      { controllers: [one()], setUp: (app) => app.setGlobalPrefix("api", { exclude: ["c/a"] }) },
      "/c/a",
    ],
    "the global prefix": [{ controllers: [one()], setUp: (app) => app.setGlobalPrefix("/api/") }, "/api/c/a"],
    "the prefix of a module": [
      { imports: [Sub, RouterModule.register([{ path: "admin", module: Sub }])] },
      "/admin/c/a",
    ],
    "a version in the path": [
      {
        controllers: [controller({ path: "c", version: ["1", "2"] }, [Get("a")])],
        setUp: (app) => app.enableVersioning({ type: VersioningType.URI }),
      },
      "/v2/c/a",
    ],
    "the second path of a method": [{ controllers: [controller("c", [Get(["b", "a"])])] }, "/c/a"],
    "the second path of a controller": [
      { controllers: [controller({ path: ["b", "c"] }, [Get("a")])] },
      "/c/a",
    ],
  };
  for (const [name, [given, path]] of Object.entries(cases))
    it(`count for ${name}`, async () => {
      assert.deepEqual(await asked({ ...given, rules: { [`GET ${path}`]: isStaff } }, path), [403, 200]);
    });

  it("count for the one path that they name, and for parameters", async () => {
    const controllers = [controller("c", [Get(["a", "b"])], [Get("d/:id")])];
    const rules = { "GET /c/b": isStaff, "GET /c/d/:id": isStaff };
    assert.deepEqual(
      await asked({ controllers, rules }, "/c/a", "/c/b", "/c/d/7"),
      [200, 200, 403, 200, 403, 200],
    );
  });

  it("stop the start where they name none, unless others of the Auth are declared later", async () => {
    const given = { controllers: [one()], rules: { "GET /c/other": isStaff } };
    await assert.rejects(asked(given), /a rule, but no RPC: GET \/c\/other/);
    assert.deepEqual(await asked({ ...given, options: { seal: false } }, "/c/a"), [200, 200]);
  });

  it("stop the start where two handlers of one path would share what one of them says", async () => {
    const versions = (...decorators: readonly unknown[]) => [
      controller({ path: "c", version: "1" }, [Get("a"), ...decorators]),
      controller({ path: "c", version: "2" }, [Get("a")]),
    ];
    const setUp = (app: App) => app.enableVersioning({ type: VersioningType.HEADER, header: "v" });
    for (const controllers of [versions(AllowAny()), versions(Guards(isStaff)).reverse()])
      await assert.rejects(
        asked({ controllers, setUp }),
        /two handlers with different rules answer GET \/c\/a/,
      );
    assert.deepEqual(await asked({ controllers: versions(), setUp }, "/c/a"), [404, 404]);
    const alike = ["1", "2"].map((version) =>
      controller({ path: "c", version }, [Get("a"), Guards(isStaff)]),
    );
    assert.deepEqual(await asked({ controllers: alike, setUp }, "/c/a"), [404, 404]);
  });
});

describe("a handler that came to Express by another path than was declared", () => {
  it("is refused", async () => {
    const seen = await asked(
      {
        controllers: [controller("c", [Get("a"), AllowAny()])],
        setUp: (app) => {
          const adapter = app.getHttpAdapter().getInstance();
          const { get } = adapter;
          // As somebody who wraps the adapter.
          adapter.get = (path: string, ...handlers: unknown[]) =>
            get.call(adapter, path, ...handlers) && path === "/c/a"
              ? get.call(adapter, "/else", ...handlers)
              : undefined;
        },
      },
      "/c/a",
      "/else",
    );
    assert.deepEqual(seen, [200, 200, 403, 403]);
  });
});

describe("two decorators of one kind at one target", () => {
  class Base {}

  it("are a mistake: the last would lift what the first demands", () => {
    const guards = [Guards(isAuthenticated), Guards(isStaff)];
    assert.throws(() => controller("c", [Get("a"), ...guards]), /stands twice at method1: put all guards/);
    assert.throws(() => controller("c", [Get("a"), AllowAny(), Guards(isStaff)]), TypeError);
    const own = { name: "own", authenticate: () => undefined } as never;
    assert.throws(() => controller("c", [Get("a"), Authenticators(own), Authenticators(own)]), TypeError);
    Guards(isStaff)(Base);
    assert.throws(() => AllowAny()(Base), /stands twice at Base/);
  });

  it("are none where a subclass says something else than its base", () => {
    class Derived extends Base {}
    assert.doesNotThrow(() => Guards(isAuthenticated)(Derived));
  });
});

describe("what a handler throws", () => {
  it("is told to onError if it was not meant for the caller", async () => {
    const told: unknown[] = [];
    const broken = new Error("secret");
    const Some = controller("c");
    const fails = () => {
      throw broken;
    };
    decoratedMethod(Some, fails, [Get("a")], []);
    const onError = (error: unknown, procedure: string) => told.push([error, procedure]);
    assert.deepEqual(await asked({ controllers: [Some], options: { onError } }, "/c/a?b=c"), [500, 500]);
    assert.deepEqual(told, [
      [broken, "GET /c/a"],
      [broken, "GET /c/a"],
    ]);
  });
});
