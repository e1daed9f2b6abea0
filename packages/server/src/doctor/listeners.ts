import { get as getPlain } from "node:http";
import { get as getByTls } from "node:https";
import { createServer } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import type { Config } from "../config/config.ts";
import { formatAddress, type ListenAddress } from "../config/listen-address.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../gen/grpc/health/v1/health_pb.ts";
import { servedCertificate } from "./certificates.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const patienceMs = 3000;

/** Does a server answer on the configured addresses, or can one be started there? */
export async function checkListeners({ grpc, http }: Config): Promise<readonly Check[]> {
  return Promise.all([
    checkListener("grpc", grpc.listen, () => (closed(grpc) ? askHandshake(grpc) : askHealth(grpc))),
    checkListener("http", http.listen, () => (closed(http) ? askHandshake(http) : askReadiness(http))),
  ]);
}

/** Whether the server on the configured addresses serves, on both of them. */
export async function isServing({ grpc, http }: Config): Promise<boolean> {
  const answers = await Promise.all([
    closed(grpc) ? askHandshake(grpc) : askHealth(grpc),
    closed(http) ? askHandshake(http) : askReadiness(http),
  ]);
  return answers.every((answer) => answer === "serving" || answer === "shaking hands");
}

type Answer = "serving" | "not serving" | "shaking hands" | undefined;

/** Does it talk to nobody without a certificate? */
function closed({ tls }: Pick<Config["http"], "tls">): boolean {
  return tls?.client_certificates === "required";
}

async function askHandshake({ listen }: Pick<Config["http"], "listen">): Promise<Answer> {
  return (await servedCertificate(listen)) === undefined ? undefined : "shaking hands";
}

async function checkListener(
  name: "grpc" | "http",
  address: ListenAddress,
  question: () => Promise<Answer>,
): Promise<Check> {
  const where = formatAddress(address);
  const move = `set COUNTERSIGN_${name.toUpperCase()}_LISTEN to another address`;
  if (address.port === 0) return ok(name, `${where}: any free port, chosen at the start`);
  const obstacle = await obstacleTo(address);
  if (obstacle === undefined) return ok(name, `${where} is free: no server is running there`);
  if (obstacle !== "EADDRINUSE") return fail(name, `${where} cannot be listened on (${obstacle})`, move);
  const answer = await question();
  if (answer === "serving") return ok(name, `${where}: a server answers, and serves`);
  if (answer === "shaking hands")
    return ok(name, `${where}: a server answers; it talks only to clients with a certificate`);
  if (answer === "not serving")
    return warn(
      name,
      `${where}: a server answers, but does not serve`,
      "it is starting or stopping; look at its log",
    );
  return fail(
    name,
    `${where} is in use, and what is there is no Countersign server`,
    `stop what listens there, or ${move}`,
  );
}

/** What keeps a server from listening there; undefined if nothing does. */
function obstacleTo({ host, port }: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** An address to connect to, for one to listen on. */
function reachable({ host, port }: ListenAddress): string {
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return formatAddress({ host: local, port });
}

function askHealth({ listen, tls }: Config["grpc"]): Promise<Answer> {
  // Nothing secret is sent, and whoever answers is asked nothing that matters.
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  const client = new Client(reachable(listen), channel, { "grpc.enable_http_proxy": 0 });
  const { path, requestSerialize, responseDeserialize } =
    serviceDefinition(Health)[Health.method.check.localName] ?? missing();
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + patienceMs };
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: "" },
      options,
      (_error, answer) => {
        client.close();
        const status = (answer as { status?: unknown } | undefined)?.status;
        resolve(
          status === Status.SERVING ? "serving" : status === Status.NOT_SERVING ? "not serving" : undefined,
        );
      },
    );
  });
}

function askReadiness({ listen, tls }: Config["http"]): Promise<Answer> {
  const url = `${tls === undefined ? "http" : "https"}://${reachable(listen)}/readyz`;
  const get = tls === undefined ? getPlain : getByTls;
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, agent: false, signal: AbortSignal.timeout(patienceMs) };
    const request = get(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve(readiness(text)));
    });
    request.on("error", () => resolve(undefined));
  });
}

function readiness(text: string): Answer {
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    return status === "ready" ? "serving" : status === "not ready" ? "not serving" : undefined;
  } catch {
    return undefined;
  }
}

function missing(): never {
  throw new TypeError("there is no Check");
}
