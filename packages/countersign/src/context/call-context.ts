import { AsyncLocalStorage } from "node:async_hooks";
import type { Call } from "../core/call.ts";
import type { Allowed } from "../core/decision.ts";
import { grants, holdsRole, noClaims, type Principal, permissionsOf } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { newRequestId } from "../core/request-id.ts";
import type { UserAccount, UserSource } from "../core/user.ts";

/** One call as its handler sees it: who calls, and the means to ask for more or to refuse. */
export class CallContext<P extends Principal = Principal, U extends UserAccount = UserAccount> {
  readonly call: Call;
  /** Undefined for an anonymous call. */
  readonly principal: P | undefined;
  /** The name of the authenticator that recognised the caller. */
  readonly authenticator: string | undefined;
  readonly #users: UserSource<U> | undefined;
  #user: Promise<U | undefined> | undefined;
  #requestId: string | undefined;

  constructor(call: Call, admitted: Allowed<P>, users: UserSource<U> | undefined) {
    this.call = call;
    this.principal = admitted.principal;
    this.authenticator = admitted.authenticator;
    this.#users = users;
  }

  /** The call's name in logs, which the caller is told as `x-request-id`. It proves nothing: the caller may have chosen it. */
  get requestId(): string {
    this.#requestId ??= this.call.requestId ?? newRequestId();
    return this.#requestId;
  }

  /**
   * The caller's account as the store has it now: read at the first use, and once per call. Undefined for an anonymous
   * call, and for a caller who has none, as with a static key.
   */
  user(): Promise<U | undefined> {
    this.#user ??= this.#load();
    return this.#user;
  }

  /** The caller's id. Undefined for an anonymous call. */
  get userId(): string | undefined {
    return this.principal?.userId;
  }

  /** Is the caller staff? As a flag of the account; a superuser is staff to `requireStaff()` either way. */
  get isStaff(): boolean {
    return this.principal?.isStaff ?? false;
  }

  get isSuperuser(): boolean {
    return this.principal?.isSuperuser ?? false;
  }

  /** The verified claims of a token; empty for every other credential, and for an anonymous call. */
  get claims(): Principal["claims"] {
    return this.principal?.claims ?? noClaims;
  }

  /** The caller, or undefined for an anonymous call. */
  getUser(): P | undefined {
    return this.principal;
  }

  /** The caller. Ends an anonymous call with `CREDENTIALS_MISSING`. */
  requireUser(message?: string): P {
    return this.principal ?? this.abortUnauthenticated(message);
  }

  /** Ends the call unless the caller is staff. */
  requireStaff(message = "Staff access required"): P {
    const principal = this.requireUser();
    return principal.isStaff || principal.isSuperuser ? principal : this.abortPermissionDenied(message);
  }

  /** Ends the call unless the caller is a superuser. */
  requireSuperuser(message = "Superuser access required"): P {
    const principal = this.requireUser();
    return principal.isSuperuser ? principal : this.abortPermissionDenied(message);
  }

  /** Ends the call unless the caller holds the permission. */
  requirePermission(permission: string, message = `Permission '${permission}' required`): P {
    const principal = this.requireUser();
    return grants(principal, permission) ? principal : this.abortPermissionDenied(message);
  }

  /** Does the caller hold the permission? False for an anonymous call. */
  checkPermission(permission: string): boolean {
    return this.principal !== undefined && grants(this.principal, permission);
  }

  /** Ends the call unless the caller holds the role, by assignment or by inheritance. */
  requireRole(role: string, message = `Role '${role}' required`): P {
    const principal = this.requireUser();
    return holdsRole(principal, role) ? principal : this.abortPermissionDenied(message);
  }

  /** Does the caller hold the role? False for an anonymous call. */
  checkRole(role: string): boolean {
    return this.principal !== undefined && holdsRole(this.principal, role);
  }

  /** All that the caller may do, as patterns: `orders:read`, `orders:*`, `**`, and denials, `!orders:delete`. */
  permissions(): readonly string[] {
    return this.principal === undefined ? [] : permissionsOf(this.principal);
  }

  /** Ends the call as one that did not say who it is. The text goes out as it is. */
  abortUnauthenticated(message = "Authentication required"): never {
    throw new Refusal("CREDENTIALS_MISSING", { message });
  }

  /** Ends the call as one that may not do this. The text goes out as it is. */
  abortPermissionDenied(message = "Permission denied"): never {
    throw new Refusal("PERMISSION_DENIED", { message });
  }

  async #load(): Promise<U | undefined> {
    if (this.principal === undefined) return undefined;
    if (this.#users === undefined)
      throw new TypeError("user() needs a user source: pass `users` to the adapter");
    return this.#users.load(this.principal.userId);
  }
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs a handler so that everything below it can ask `currentCall()`. For adapters. */
export function runInCall<R>(context: CallContext, handler: () => R): R {
  return storage.run(context, handler);
}

/** The call that this code runs for, in a handler or anywhere below it. Undefined outside of a call. */
export function currentCall(): CallContext | undefined {
  return storage.getStore();
}
