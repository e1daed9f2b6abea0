import { deepEqual, equal } from "node:assert/strict";
import http2 from "node:http2";
import { describe, it } from "node:test";
import { startProxy } from "../tools/local-proxy.ts";
import { nginx } from "../tools/nginx-server.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { listening } from "./doors/listening.ts";
import { proxyKey } from "./outside.ts";
import { describeProxy } from "./proxy.suite.ts";
import { call, says } from "./proxy-stage.ts";
import { sampleAt } from "./sample.ts";

// A real nginx, as deploy/nginx has it, before a real gRPC service in Python and a service of plain HTTP.

describeProxy(
  {
    name: "nginx",
    away: 503,
    start: ({ grpcPort, httpPort, countersign, grpcService, httpService }) =>
      startProxy(nginx, {
        port: grpcPort,
        configuration: sampleAt("nginx/countersign.conf", {
          "127.0.0.1:8443 http2": `127.0.0.1:${grpcPort} http2`,
          "127.0.0.1:8080": `127.0.0.1:${httpPort}`,
          "127.0.0.1:8000": countersign,
          "127.0.0.1:50061": grpcService,
          "127.0.0.1:8090": httpService,
          // Read by nginx itself, which is nobody here.
          "include /etc/nginx/countersign-key.conf;": `proxy_set_header x-countersign-proxy-key "${proxyKey}";`,
        }),
      }),
  },
  (stage) => {
    describe("gRPC behind a proxy that sends a refusal on as it is", () => {
      // As Traefik does: the status of HTTP, and gRPC's in the headers.
      it("tells gRPC's clients the reason", async () => {
        const front = http2.createServer();
        front.on("stream", async (stream, headers) => {
          const asked = { "x-forwarded-method": "POST", "x-forwarded-uri": String(headers[":path"]) };
          const answer = await fetch(`http://${stage().server.http}/forward-auth`, {
            headers: { ...asked, "x-countersign-proxy-key": proxyKey, "content-type": "application/grpc" },
          });
          equal(answer.status, 401);
          const own = ["connection", "keep-alive", "date", "content-length"];
          const sent = [...answer.headers].filter(([name]) => !own.includes(name));
          stream.respond({ ":status": answer.status, ...Object.fromEntries(sent) }, { endStream: true });
          stream.close();
        });
        const address = await listening(front);
        for (const kind of [python, grpcJs]) {
          const client = await kind.connect(address);
          const refused = [16, "CREDENTIALS_MISSING", "Authentication required"];
          deepEqual(await says(call(client, "UpdateProfile", [])), refused, kind.name);
          await client.close();
        }
        front.close();
      });
    });
  },
);
