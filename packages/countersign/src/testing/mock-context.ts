import { principalOf } from "../authenticator/account.ts";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Call } from "../core/call.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { fakeAccount, fakeCall } from "./fake-call.ts";

export interface MockContextOptions<P extends Principal, U extends UserAccount> {
  /** The caller's account, as far as it matters: its flags, roles and permissions make the principal. */
  readonly user?: Partial<U> | undefined;
  /** The caller itself, in the place of what the account makes. Default: without `user` too, an anonymous call. */
  readonly principal?: P | undefined;
  /** `/package.Service/Method`. Default: `/test.Service/Method`. */
  readonly procedure?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** What else the call is. */
  readonly call?: Partial<Call>;
}

/**
 * A call's context for a handler that is called directly: `handlers.getUser(request, new MockContext({ user: { id: "7" } }))`.
 * No rule is asked and no credential is looked at.
 */
export class MockContext<
  P extends Principal = Principal,
  U extends UserAccount = UserAccount,
> extends CallContext<P, U> {
  constructor(options: MockContextOptions<P, U> = {}) {
    const { user, procedure = "/test.Service/Method", headers, call } = options;
    const account = user && (fakeAccount(user) as U);
    const principal =
      options.principal ?? (account && (principalOf(account, { authenticator: "fake" }) as P));
    super(
      fakeCall(procedure, headers, call),
      { ok: true, principal, authenticator: principal?.authenticator, expiresAt: Number.POSITIVE_INFINITY },
      { load: (id) => (id === account?.id ? account : undefined) },
    );
  }

  /** Runs what asks `currentCall()`. */
  run<R>(work: () => R): R {
    return runInCall(this as unknown as CallContext, work);
  }
}
