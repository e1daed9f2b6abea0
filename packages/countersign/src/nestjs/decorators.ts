import "reflect-metadata";
import {
  type CustomDecorator,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  type Type,
} from "@nestjs/common";
import { type CallContext, currentCall } from "../context/call-context.ts";
import type { Authenticator } from "../core/authenticator.ts";
import type { Guard } from "../core/guard.ts";
import type { Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteGuards, RouteRule } from "../core/route-rule.ts";
import { contextOf } from "./contexts.ts";

const guardsKey = Symbol("countersign: guards");
const authKey = Symbol("countersign: auth");

/** What a controller, or one of its methods, needs: a rule, or guards that must all pass. The method's word counts. */
export function Guards<P = Principal>(
  ...guards: readonly [Rule<P>] | readonly [Guard<P>, ...Guard<P>[]]
): CustomDecorator<symbol> {
  return once(guardsKey, guards, "@Guards() or @AllowAny()");
}

/** Authentication does not run for this controller or method. */
export function AllowAny(): CustomDecorator<symbol> {
  return Guards("open");
}

/** Who is asked who calls here, instead of the authenticators of the `Auth`. */
export function Authenticators<P = Principal>(
  ...auth: readonly [Authenticator<P>, ...Authenticator<P>[]]
): CustomDecorator<symbol> {
  return once(authKey, auth, "@Authenticators()");
}

/** A second word about one target would replace the first, and so lift what it demands. */
function once(key: symbol, value: unknown, name: string): CustomDecorator<symbol> {
  const set = SetMetadata(key, value);
  const decorate = (target: object, property?: string | symbol, descriptor?: PropertyDescriptor): unknown => {
    const marked = (descriptor?.value ?? target) as object;
    // A subclass may say something else than its base.
    if (Reflect.hasOwnMetadata(key, marked))
      throw new TypeError(
        `${name} stands twice at ${String(property ?? (target as Type).name)}: put all guards into one`,
      );
    return set(target as Type, property as string, descriptor as PropertyDescriptor);
  };
  return Object.assign(decorate, { KEY: key }) as CustomDecorator<symbol>;
}

/** A parameter: who calls. Undefined where the rule lets an anonymous call through. */
export const CurrentPrincipal = createParamDecorator(
  (_data: unknown, execution: ExecutionContext): Principal | undefined => contextNow(execution).principal,
);

/** A parameter: the call, with the means to ask for more or to refuse. */
export const CurrentContext = createParamDecorator(
  (_data: unknown, execution: ExecutionContext): CallContext => contextNow(execution),
);

function contextNow(execution: ExecutionContext): CallContext {
  const context =
    execution.getType() === "http" ? contextOf(execution.switchToHttp().getRequest<object>()) : currentCall();
  if (context === undefined) throw new TypeError("this call did not pass the guard of nestAuth()");
  return context;
}

/** What the decorators of a handler and of its class say. */
export function ruleOf<P>(target: object, handler: object): RouteRule<P> {
  const read = (key: symbol): unknown =>
    Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, target);
  return {
    guards: read(guardsKey) as RouteGuards<P> | undefined,
    auth: read(authKey) as RouteRule<P>["auth"],
  };
}
