import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { nodeAuth } from "countersign/http/node";
import type { Json } from "../protos.ts";
import type { ServeKit } from "./kit.ts";
import { listening } from "./listening.ts";

export const serve: ServeKit = async ({ auth, guards, routes }) => {
  const guard = nodeAuth(auth, { guards });
  const handled = routes.map(({ path, run, ...rule }) => [
    `POST ${path}`,
    {
      ...rule,
      handle: async (...[request, response, context]: Parameters<Handler>) => {
        const answer = await run((await json(request)) as Json, context);
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(answer));
      },
    },
  ]);
  const server = createServer(guard.listener(Object.fromEntries(handled)));
  auth.seal();
  return { http: await listening(server) };
};

type Handler = Parameters<ReturnType<typeof nodeAuth>["listener"]>[0][string]["handle"];
