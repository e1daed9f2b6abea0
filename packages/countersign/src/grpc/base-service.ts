import { type CallContext, currentCall } from "../context/call-context.ts";
import type { Principal } from "../core/principal.ts";

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
