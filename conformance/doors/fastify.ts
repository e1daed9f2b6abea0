import { fastifyAuth } from "countersign/http/fastify";
import Fastify from "fastify";
import type { Json } from "../protos.ts";
import type { ServeKit } from "./kit.ts";

export const serve: ServeKit = async ({ auth, guards, routes }) => {
  const guard = fastifyAuth(auth, { guards });
  const app = Fastify();
  await app.register(guard.plugin);
  for (const { path, run, ...rule } of routes)
    app.post(path, guard.rule(rule), (request) => run(request.body as Json, guard.context(request)));
  await app.ready();
  auth.seal();
  return { http: (await app.listen({ host: "127.0.0.1", port: 0 })).replace("http://", "") };
};
