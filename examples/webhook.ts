import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Client, type ClientUnaryCall, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { apiKeyFrom } from "countersign/client";
import { serviceDefinition } from "countersign/grpc";
import { createApiKeyChannel } from "countersign/grpc/client";
import { UserService } from "./gen/api/users/users_pb.ts";

type Users = Client & {
  updateProfile(request: { bio: string }, done: (error: ServiceError | null) => void): ClientUnaryCall;
};
type Variables = Readonly<Record<string, string | undefined>>;

const longestBody = 64 * 1024;

/**
 * Takes webhooks of somebody else's and hands them on over gRPC, as the owner of an API key of type "webhook"
 * (`countersign keys create --type webhook`). `WEBHOOK_SECRET` is what the sender signs with.
 */
export function webhookServer(variables: Variables): Server {
  const secret = variables["WEBHOOK_SECRET"] ?? "";
  if (secret === "") throw new TypeError("WEBHOOK_SECRET is not set");
  const key = apiKeyFrom(variables, "WEBHOOK_API_KEY");
  const channel = createApiKeyChannel(variables["USERS_ADDRESS"] ?? "127.0.0.1:50051", key);
  const users = channel.client(
    makeClientConstructor(serviceDefinition(UserService), "UserService"),
  ) as unknown as Users;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") return answer(response, 405, { status: "not allowed" });
    const body = await bodyOf(request);
    if (body === undefined) return answer(response, 413, { status: "too large" });
    if (!isSigned(body, secret, request.headers["x-signature"]))
      return answer(response, 401, { status: "not signed" });
    const { bio } = JSON.parse(body.toString()) as { readonly bio?: unknown };
    await new Promise<void>((resolve, reject) => {
      users.updateProfile({ bio: String(bio) }, (error) => (error === null ? resolve() : reject(error)));
    });
    answer(response, 200, { status: "ok" });
  }

  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error("a webhook failed:", (error as Error).message);
      // Senders try again.
      answer(response, 502, { status: "failed" });
    });
  }).on("close", () => channel.close());
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A webhook has no cookie, so nobody's browser can be made to send one: its signature says whose it is. */
function isSigned(body: Buffer, secret: string, signature: string | string[] | undefined): boolean {
  const due = createHmac("sha256", secret).update(body).digest();
  const given = Buffer.from(String(signature), "hex");
  return given.length === due.length && timingSafeEqual(given, due);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
