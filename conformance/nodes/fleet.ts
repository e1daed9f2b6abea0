import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ids } from "../cast.ts";
import type { Client, Header, Outcome } from "../clients/client.ts";
import { grpcJs } from "../clients/grpc-js.ts";
import { bearer } from "../door.ts";
import type { Json } from "../protos.ts";
import { scratchFolder } from "../scratch.ts";
import {
  developmentSecrets,
  type ServerOptions,
  type ServerProcess,
  startServer,
} from "../server-process.ts";
import { accessClaims, seconds, sign } from "../tokens.ts";
import type { Backing, Carrier } from "./carriers.ts";

/** How long a node that is cut off goes on, in seconds. */
export const staleAfter = 3;

const config = `environment: development
services: [auth.v1.AuthService, auth.v1.UserService, auth.v1.ApiKeyService, api.users.UserService]
revocations: { stale_after: ${staleAfter}s }
`;
const skewedClock = fileURLToPath(new URL("skewed-clock.ts", import.meta.url));

/** One node: the real program in a process of its own. */
export class FleetNode {
  readonly index: number;
  readonly #options: ServerOptions;
  #server: ServerProcess | undefined;
  #client: Client | undefined;

  constructor(index: number, options: ServerOptions) {
    this.index = index;
    this.#options = options;
  }

  /** Also after `kill()`, on the same addresses. */
  async start(): Promise<void> {
    const { env = {}, ...options } = this.#options;
    const before = this.#server;
    const again = before && { COUNTERSIGN_GRPC_LISTEN: before.grpc, COUNTERSIGN_HTTP_LISTEN: before.http };
    this.#server = await startServer({ ...options, env: { ...env, ...again } });
    // A client that has failed for a while waits before it tries again.
    await this.#client?.close();
    this.#client = await grpcJs.connect(this.#server.grpc);
  }

  async kill(): Promise<void> {
    await this.#server?.stop("SIGKILL");
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#server?.signal(signal);
  }

  stderr(): string {
    return this.#server?.stderr() ?? "";
  }

  async stop(): Promise<void> {
    await this.#client?.close();
    await this.#server?.stop();
  }

  call(procedure: string, request: Json, header: Header, more: Partial<Parameters<Client["call"]>[0]> = {}) {
    if (this.#client === undefined) throw new Error(`node ${this.index} was never started`);
    return this.#client.call({ procedure, requests: [request], headers: [header], timeoutMs: 6000, ...more });
  }
}

/** Several nodes of one installation, with what they share. */
export class Fleet {
  readonly nodes: readonly FleetNode[];
  readonly backing: Backing;
  readonly #administrator: Header;

  private constructor(nodes: readonly FleetNode[], backing: Backing, administrator: Header) {
    this.nodes = nodes;
    this.backing = backing;
    this.#administrator = administrator;
  }

  /** `skews`: how far the clock of each node is off, in milliseconds. */
  static async start(carrier: Carrier, skews: readonly number[]): Promise<Fleet> {
    const backing = await carrier.start(skews.length);
    const nodes: FleetNode[] = [];
    try {
      const data = join(scratchFolder(), "data");
      // The first start makes the accounts and the development secrets.
      const first = await startServer({ data, env: backing.environment(0) });
      await first.stop();
      for (const [index, skew] of skews.entries()) {
        const env = { ...backing.environment(index), CLOCK_SKEW_MS: String(skew) };
        const nodeArguments = ["--import", skewedClock];
        const node = new FleetNode(index, { data, config, command: "serve", env, nodeArguments });
        nodes.push(node);
        await node.start();
      }
      const { jwtSecret } = developmentSecrets(data);
      // Good by the clock of every node.
      const claims = { ...accessClaims(ids.admin), iat: seconds(-3600), exp: seconds(7200) };
      return new Fleet(nodes, backing, bearer(await sign(jwtSecret, claims)));
    } catch (error) {
      await Promise.all(nodes.map((node) => node.stop()));
      await backing.stop();
      throw error;
    }
  }

  node(index: number): FleetNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  /** As an administrator. */
  administer(node: FleetNode, procedure: string, request: Json): Promise<Outcome> {
    return node.call(procedure, request, this.#administrator);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.backing.stop();
  }
}
