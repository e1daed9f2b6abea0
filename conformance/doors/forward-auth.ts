import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { proxyKey } from "../outside.ts";
import { listening } from "./listening.ts";
import { callerHeader, type OpenProxy } from "./proxy.ts";

/** What Traefik and Caddy do: ask with the caller's headers, go on with a 2xx, and send any other answer back as it is. */
export const openForwardAuth: OpenProxy = async ({ asked, behind }) => {
  const server = createServer({ maxHeaderSize: 32 * 1024 }, (request, response) => {
    const { method = "", url = "" } = request;
    const about = ["x-forwarded-method", method, "x-forwarded-uri", url, "x-forwarded-for", "127.0.0.1"];
    const question = [...without(request, own), ...about, "x-countersign-proxy-key", proxyKey];
    exchange(asked.http, { method: "GET", path: "/forward-auth", headers: question })
      .then(async (answer) => {
        const ok = answer.statusCode === 200;
        const caller = answer.headers["x-countersign-user-id"];
        if (!ok) return relay(answer, response);
        answer.resume();
        const told = typeof caller === "string" ? [callerHeader, caller] : [];
        const headers = [...without(request, [...credentials, callerHeader]), ...told];
        relay(await exchange(behind, { method, path: url, headers, body: request }), response);
      })
      .catch(() => response.writeHead(503).end());
  });
  const address = await listening(server);
  return {
    address,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
};

const credentials = ["authorization", "x-api-key"];
/** What the question has of its own. */
const own = [
  ...["x-forwarded-method", "x-forwarded-uri", "x-forwarded-for", "x-countersign-proxy-key"],
  ...["content-length", "transfer-encoding", "connection"],
];

function without({ rawHeaders }: IncomingMessage, names: readonly string[]): readonly string[] {
  return rawHeaders.filter((_text, at) => !names.includes((rawHeaders[at - (at % 2)] ?? "").toLowerCase()));
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body?: IncomingMessage;
}

async function exchange(address: string, { body, ...rest }: Exchange): Promise<IncomingMessage> {
  const [host, port] = address.split(":");
  const asking = send({ host, port, agent: false, ...rest, headers: rest.headers as never });
  if (body === undefined) asking.end();
  else body.pipe(asking);
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  return answer;
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
  answer.pipe(response);
}
