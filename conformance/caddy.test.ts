import { caddy } from "../tools/caddy-server.ts";
import { startProxy } from "../tools/local-proxy.ts";
import { proxyKey } from "./outside.ts";
import { describeProxy } from "./proxy.suite.ts";
import { sampleAt } from "./sample.ts";

// A real Caddy, as deploy/caddy has it, before a real gRPC service in Python and a service of plain HTTP.

describeProxy({
  name: "Caddy",
  away: 502,
  start: ({ grpcPort, httpPort, countersign, grpcService, httpService }) =>
    startProxy(caddy({ CADDY_KEY: proxyKey }), {
      port: grpcPort,
      configuration: sampleAt("caddy/Caddyfile", {
        "orders.example.com": `http://:${grpcPort}`,
        "reports.example.com": `http://:${httpPort}`,
        "127.0.0.1:8000": countersign,
        "127.0.0.1:50061": grpcService,
        "127.0.0.1:8090": httpService,
      }),
    }),
});
