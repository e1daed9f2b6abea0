import { createServer } from "node:http";
import { expressAuth } from "countersign/http/express";
import express from "express";
import type { Json } from "../protos.ts";
import type { ServeKit } from "./kit.ts";
import { listening } from "./listening.ts";

export const serve: ServeKit = async ({ auth, guards, routes }) => {
  const guard = expressAuth(auth, { guards });
  const api = guard.router({ body: express.json() });
  for (const { path, run, ...rule } of routes)
    api.post(path, rule, async ({ body, context }, response) => {
      response.json(await run(body as Json, context));
    });
  const server = createServer(guard.listener(express().use(api)));
  auth.seal();
  return { http: await listening(server) };
};
