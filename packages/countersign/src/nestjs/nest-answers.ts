import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from "@nestjs/common";
import { Observable, throwError } from "rxjs";
import { runInCall } from "../context/call-context.ts";
import { CallError, Unavailable } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { UserAccount } from "../core/user.ts";
import type { NodeRequest } from "../http/http-call.ts";
import type { HttpDoor } from "../http/http-door.ts";
import { type NodeResponse, sendError } from "../http/node-answer.ts";
import { contextOf } from "./contexts.ts";

/** Answers what was meant for the caller. Everything else is Nest's to hide. */
export class NestFilter<P extends Principal, U extends UserAccount> implements ExceptionFilter {
  readonly #door: HttpDoor<P, U>;
  readonly #toStatus: ((thrown: unknown) => object | undefined) | undefined;

  constructor(door: HttpDoor<P, U>, toStatus: ((thrown: unknown) => object | undefined) | undefined) {
    this.#door = door;
    this.#toStatus = toStatus;
  }

  catch(thrown: unknown, host: ArgumentsHost): unknown {
    if (host.getType() !== "http") return throwError(() => this.#toStatus?.(thrown) ?? thrown);
    const [request, response] = host.getArgs<[NodeRequest, NodeResponse]>();
    sendError(
      request,
      response,
      this.#door.failure(thrown, `${request.method} ${request.url?.split("?", 1)[0]}`, request),
    );
    return undefined;
  }
}
Catch(Refusal, CallError, Unavailable)(NestFilter);

/** Runs a handler in its call. Those of gRPC run in it from the start. */
export class NestCalls implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== "http") return next.handle();
    const context = contextOf(execution.switchToHttp().getRequest<object>());
    if (context === undefined) return next.handle();
    return new Observable((subscriber) => runInCall(context, () => next.handle().subscribe(subscriber)));
  }
}
