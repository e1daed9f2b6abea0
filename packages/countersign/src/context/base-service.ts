import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import { type CallContext, currentCall } from "./call-context.ts";

/**
 * A base for service classes: the helpers of the call that is being served, without handing a context around. What they
 * say belongs to the call, never to the instance: one instance serves every caller at once.
 */
export abstract class BaseService<P extends Principal = Principal> {
  /** The caller, or undefined for an anonymous call. */
  protected getUser(): P | undefined {
    return this.context.getUser();
  }

  /** The caller. Ends an anonymous call. */
  protected requireUser(message?: string): P {
    return this.context.requireUser(message);
  }

  protected requireStaff(message?: string): P {
    return this.context.requireStaff(message);
  }

  protected requireSuperuser(message?: string): P {
    return this.context.requireSuperuser(message);
  }

  protected requirePermission(permission: string, message?: string): P {
    return this.context.requirePermission(permission, message);
  }

  protected checkPermission(permission: string): boolean {
    return this.context.checkPermission(permission);
  }

  protected abortUnauthenticated(message?: string): never {
    return this.context.abortUnauthenticated(message);
  }

  protected abortPermissionDenied(message?: string): never {
    return this.context.abortPermissionDenied(message);
  }

  /** The call that is being served. Throws a `TypeError` outside of one. */
  protected get context(): CallContext<P> {
    const context = currentCall();
    if (context === undefined) throw new TypeError("a service's helpers work inside a call only");
    return context as CallContext<P>;
  }
}

/**
 * A service whose every method needs a caller. A server refuses to register it where a rule lets anonymous calls in, so
 * `this.user` is always set; RPCs without a rule of their own still need one, or a mode.
 */
export abstract class AuthRequiredService<P extends Principal = Principal> extends BaseService<P> {
  /** The caller. */
  protected get user(): P {
    return this.requireUser();
  }
}

/** Throws a `TypeError` if a rule lets anonymous calls into a service that has none. For adapters. */
export function requireCallers(
  service: unknown,
  procedures: readonly string[],
  policy: Pick<Auth<never>, "rules">,
): void {
  if (!(service instanceof AuthRequiredService)) return;
  const open = policy
    .rules()
    .filter(
      ({ procedure, rule }) => procedures.includes(procedure) && (rule === "open" || rule === "optional"),
    );
  if (open.length === 0) return;
  const names = open.map(({ procedure, rule }) => `${procedure} (${rule})`).join(", ");
  throw new TypeError(`an AuthRequiredService lets nobody in who is anonymous, but its rules do: ${names}`);
}
