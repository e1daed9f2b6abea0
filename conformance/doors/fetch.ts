import { serve as serveFetch } from "@hono/node-server";
import type { Principal, UserAccount } from "countersign";
import { type FetchHandler, fetchAuth } from "countersign/http/fetch";
import type { Json } from "../protos.ts";
import type { ServeKit } from "./kit.ts";

type Handler = FetchHandler<Principal, UserAccount>;

export const serve: ServeKit = async ({ auth, guards, routes }) => {
  const handled = routes.map(({ path, run, ...rule }) => {
    const handle: Handler = async (request, context) =>
      Response.json(await run((await request.json()) as Json, context));
    return [`POST ${path}`, { ...rule, handle }];
  });
  const fetch = fetchAuth(auth, { guards }).handler(Object.fromEntries(handled));
  auth.seal();
  return new Promise((resolve) => {
    serveFetch({ fetch: (request) => fetch(request), hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve({ http: `127.0.0.1:${port}` }),
    );
  });
};
