import { type CanActivate, type ExecutionContext, HttpException } from "@nestjs/common";
import type { RequestHandler } from "express";
import { type CallContext, currentCall } from "../context/call-context.ts";
import { denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { UserAccount } from "../core/user.ts";
import { followAnswer } from "../http/follow-response.ts";
import { HttpCall } from "../http/http-call.ts";
import type { HttpDoor } from "../http/http-door.ts";
import { cutOff } from "../http/node-answer.ts";
import { watchUntilClosed } from "../http/until-closed.ts";
import { setContext } from "./contexts.ts";

type ExpressRequest = Parameters<RequestHandler>[0];
type ExpressResponse = Parameters<RequestHandler>[1];

/** Nest's guard: decides about HTTP, and lets nothing else through that was not decided about before it came here. */
export class NestGuard<P extends Principal, U extends UserAccount> implements CanActivate {
  readonly #door: HttpDoor<P, U>;
  readonly #body: RequestHandler | undefined;
  readonly #tell: (thrown: unknown, request: ExpressRequest) => void;
  /** By class, since one method may be inherited by several; then by method, and by path. */
  readonly #procedures = new Map<unknown, Map<unknown, Map<unknown, string>>>();

  constructor(
    door: HttpDoor<P, U>,
    body: RequestHandler | undefined,
    tell: (thrown: unknown, request: ExpressRequest) => void,
  ) {
    this.#door = door;
    this.#body = body;
    this.#tell = tell;
  }

  /** Says under which name a handler is decided about. `path` is that of its route; none has one of gRPC. */
  know(target: object, handler: object, path: string | undefined, procedure: string): void {
    const handlers = this.#procedures.get(target) ?? new Map<unknown, Map<unknown, string>>();
    const paths = handlers.get(handler) ?? new Map<unknown, string>();
    this.#procedures.set(target, handlers.set(handler, paths.set(path, procedure)));
  }

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const procedures = this.#procedures.get(execution.getClass())?.get(execution.getHandler());
    if (execution.getType() === "http") {
      const [request, response] = execution.getArgs<[ExpressRequest, ExpressResponse]>();
      // The route that Express has matched. What was not declared under its path has no rule here.
      const route = request.route as { readonly path?: unknown } | undefined;
      const declared = typeof route?.path === "string" ? procedures?.get(route.path) : undefined;
      if (declared === undefined) throw refusal;
      try {
        await this.#decide(declared, request, response);
      } catch (error) {
        this.#tell(error, request);
        throw error;
      }
      return true;
    }
    const procedure = procedures?.get(undefined);
    if (procedure === undefined) throw refusal;
    // gRPC was decided about by the server's interceptor. Nothing is known of any other transport.
    if (execution.getType() !== "rpc" || currentCall()?.call.procedure !== procedure) throw refusal;
    return true;
  }

  async #decide(procedure: string, request: ExpressRequest, response: ExpressResponse): Promise<void> {
    const door = this.#door;
    const call = new HttpCall("http", procedure, request);
    followAnswer(door.follow(call, request), response);
    const admission = await door.admit(call, request);
    if (!admission.ok) throw new Refusal(admission.denial.reason, admission.denial);
    // Who has left is told nothing, and no handler runs.
    if (!watchUntilClosed(response, () => door.watch(admission, request, () => cutOff(response))))
      throw refusal;
    if (this.#body !== undefined) await read(this.#body, request, response);
    if (door.needsRequest(procedure)) {
      const { params, query, body } = request;
      const last = await door.judge(admission, request, {
        params: params as Record<string, string>,
        query,
        body: body as unknown,
      });
      if (!last.ok) throw new Refusal(last.denial.reason, last.denial);
    }
    door.enter(admission, request, () => setContext(request, admission.context as CallContext));
  }
}

/** Nest answers what is thrown here: no rule, or no decision. */
const refusal = new Refusal("PERMISSION_DENIED", denial("PERMISSION_DENIED"));

function read(body: RequestHandler, request: ExpressRequest, response: ExpressResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    void body(request, response, (error?: unknown) => {
      const { status } = (error ?? {}) as { readonly status?: unknown };
      if (error === undefined) resolve();
      // The parser's own words quote what it could not read.
      else
        reject(typeof status === "number" ? new HttpException("The request cannot be read", status) : error);
    });
  });
}
