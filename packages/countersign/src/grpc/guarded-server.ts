import {
  type ConnectionInjector,
  Server,
  type ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { requireCallers } from "../context/base-service.ts";
import type { Auth } from "../core/auth.ts";
import { guardHandlers } from "./handlers.ts";

/** The part of an `Auth` that a server needs to know that its policy is complete. */
type Policy = Pick<Auth<never>, "serve" | "seal" | "rules">;

/**
 * A `grpc.Server` whose policy is complete before it listens. Made by `grpcAuth().createServer()`.
 *
 * Its handlers may throw `Refusal` and `CallError`, or return a promise that rejects with one: the call ends with that
 * status. The text of any other error stays on this side.
 */
export class GuardedServer extends Server {
  readonly #policy: Policy;
  readonly #onError: (error: unknown, procedure: string) => void;

  constructor(policy: Policy, onError: (error: unknown, procedure: string) => void, options: ServerOptions) {
    super(options);
    this.#policy = policy;
    this.#onError = onError;
  }

  /** Throws a `TypeError` that names the RPCs for which there is no rule. */
  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const methods = Object.values(service);
    const procedures = methods.map((method) => method.path);
    const decoded = methods.filter(({ requestStream }) => !requestStream).map(({ path }) => path);
    this.#policy.serve(procedures, { decoded });
    requireCallers(implementation, procedures, this.#policy);
    super.addService(service, guardHandlers(service, implementation, this.#onError));
  }

  /** Throws a `TypeError` if a rule names an RPC that no service has. */
  override bindAsync(
    address: string,
    credentials: ServerCredentials,
    callback: (error: Error | null, port: number) => void,
  ): void {
    this.#policy.seal();
    super.bindAsync(address, credentials, callback);
  }

  /** For connections that were accepted elsewhere. Throws a `TypeError` if a rule names an RPC that no service has. */
  override createConnectionInjector(credentials: ServerCredentials): ConnectionInjector {
    this.#policy.seal();
    return super.createConnectionInjector(credentials);
  }
}
