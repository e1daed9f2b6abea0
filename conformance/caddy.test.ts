import { readFileSync } from "node:fs";
import { caddy } from "../tools/caddy-server.ts";
import { TestAuthority } from "../tools/certificates.ts";
import { type ProxyServer, startProxy } from "../tools/local-proxy.ts";
import { proxyKey } from "./outside.ts";
import { describeProxy } from "./proxy.suite.ts";
import type { Places } from "./proxy-stage.ts";
import { sampleAt } from "./sample.ts";

// A real Caddy, as deploy/caddy has it, before a real gRPC service in Python and a service of plain HTTP: in plain text, as behind
// another balancer, and with TLS, as at the edge.

interface Sites {
  /** The first line of a site, without its brace. */
  readonly site: (port: number) => string;
  readonly files?: Readonly<Record<string, string>>;
}

function start(
  { grpcPort, httpPort, countersign, grpcService, httpService }: Places,
  { site, files = {} }: Sites,
): Promise<ProxyServer> {
  return startProxy(caddy({ CADDY_KEY: proxyKey }), {
    port: grpcPort,
    files,
    configuration: sampleAt("caddy/Caddyfile", {
      "orders.example.com {": site(grpcPort),
      "reports.example.com {": site(httpPort),
      "127.0.0.1:8000": countersign,
      "127.0.0.1:50061": grpcService,
      "127.0.0.1:8090": httpService,
    }),
  });
}

describeProxy({
  name: "Caddy",
  away: 502,
  start: (places) => start(places, { site: (port) => `http://:${port} {` }),
});

const authority = new TestAuthority("Edge");
const own = authority.issue({ ips: ["127.0.0.1"], usage: "serverAuth" });
describeProxy({
  name: "Caddy with TLS",
  away: 502,
  tls: { authority: authority.certificate },
  start: (places) =>
    start(places, {
      // Its own automation asks an authority on the internet.
      site: (port) => `https://:${port} {\n\ttls {$HOME}/site.pem {$HOME}/site.key\n`,
      files: {
        "site.pem": readFileSync(own.certificate, "utf8"),
        "site.key": readFileSync(own.key, "utf8"),
      },
    }),
});
