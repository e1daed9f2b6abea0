import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  type NestInterceptor,
} from "@nestjs/common";
import { Observable, tap, throwError } from "rxjs";
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
    sendError(request, response, this.#door.failure(thrown, nameOf(request), request));
    return undefined;
  }
}
Catch(Refusal, CallError, Unavailable)(NestFilter);

/** Tells `onError` what was thrown for HTTP and is Nest's to hide. Does nothing where there is no `onError`. */
export function tellerOf<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  onError: unknown,
): (thrown: unknown, request: NodeRequest) => void {
  if (onError === undefined) return () => {};
  return (thrown, request) => {
    // The filter sees to the first three; the last has been said to the caller.
    const known = [Refusal, CallError, Unavailable, HttpException];
    if (known.some((each) => thrown instanceof each)) return;
    door.failure(thrown, nameOf(request), request);
  };
}

/** That of its route, once it was admitted. */
function nameOf(request: NodeRequest): string {
  const { method, url } = request;
  return contextOf(request)?.call.procedure ?? `${method} ${url?.split("?", 1)[0]}`;
}

/** Runs a handler in its call. Those of gRPC run in it from the start. */
export class NestCalls implements NestInterceptor {
  readonly #tell: (thrown: unknown, request: NodeRequest) => void;

  constructor(tell: (thrown: unknown, request: NodeRequest) => void) {
    this.#tell = tell;
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== "http") return next.handle();
    const request = execution.switchToHttp().getRequest<NodeRequest>();
    const context = contextOf(request);
    if (context === undefined) return next.handle();
    const tell = (error: unknown): void => this.#tell(error, request);
    return new Observable((subscriber) =>
      runInCall(context, () =>
        next
          .handle()
          .pipe(tap({ error: tell }))
          .subscribe(subscriber),
      ),
    );
  }
}
