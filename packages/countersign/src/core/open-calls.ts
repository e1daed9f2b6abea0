import type { Call } from "./call.ts";
import { type Allowed, andThen, type Decision, isPromise, type MaybePromise } from "./decision.ts";
import type { Denial } from "./denial.ts";
import type { RevocationView } from "./revocation.ts";
import { type Renewer, renewedCall, type StreamRenewal, streamKey, streamKeyOf } from "./stream-renewal.ts";

interface OpenCall {
  /** What is decided anew: the call as it came, or with the credential that it was renewed with. */
  call: Call;
  readonly end: (denial: Denial) => void;
  /** By which its caller finds it. Undefined for one that cannot be renewed. */
  readonly key: string | undefined;
  expiresAt: number;
  timer: NodeTimer | undefined;
}

/** The handle of `setTimeout`, as far as it is used: a browser's is a number. */
type NodeTimer = ReturnType<typeof setTimeout>;

export interface OpenCallsOptions<P> {
  readonly evaluate: (call: Call) => MaybePromise<Decision<P>>;
  readonly revocations: RevocationView;
  /** Where credentials for a procedure come in. */
  readonly credentialHeaders: (procedure: string) => readonly string[];
  readonly now: () => number;
}

/** `setTimeout` takes 31 bits of milliseconds; a later end is asked about on the way. */
const longestTimer = 2 ** 31 - 1;

/**
 * How long revocations are gathered before all open calls are asked about again. Each check costs about a
 * microsecond; a steady stream of revocations must not turn that into a check of every call for each of them.
 */
const gatherMs = 50;

/** The streams that are open. Each is decided anew, with the credential it came with, when something changes. */
export class OpenCalls<P> {
  readonly #options: OpenCallsOptions<P>;
  readonly #calls = new Set<OpenCall>();
  readonly #named = new Map<string, OpenCall>();
  /** The version of the revocation view at which the decision about a call began, where that took a while. */
  readonly #began = new WeakMap<Call, number>();
  #unsubscribe: (() => void) | undefined;
  #gathering: NodeTimer | undefined;

  constructor(options: OpenCallsOptions<P>) {
    this.#options = options;
  }

  /** To be told of each decision that was not there at once. */
  decidedSince(call: Call, version: number): void {
    this.#began.set(call, version);
  }

  watch(call: Call, admitted: Allowed<P>, end: (denial: Denial) => void): () => void {
    // Nothing can be revoked from an anonymous call.
    if (admitted.principal === undefined) return () => {};
    const { expiresAt } = admitted;
    const key = streamKeyOf(call, admitted);
    const open: OpenCall = { call, end, key, expiresAt, timer: undefined };
    this.#calls.add(open);
    // A name that is taken stays with the stream that has it.
    if (key !== undefined && !this.#named.has(key)) this.#named.set(key, open);
    this.#unsubscribe ??= this.#options.revocations.onChange(() => this.#gather());
    this.#await(open, expiresAt);
    // Nobody listened for what was revoked between the decision's beginning and now.
    if ((this.#began.get(call) ?? this.#options.revocations.version) < this.#options.revocations.version)
      this.#gather();
    return () => this.#forget(open);
  }

  /** See `Auth.renewStream`. */
  renew(streamId: string, renewer: Renewer<P>): MaybePromise<StreamRenewal | undefined> {
    const key = streamKey(streamId, renewer);
    const open = key === undefined ? undefined : this.#named.get(key);
    // A renewal has the stream's name for balancers, and is not the stream.
    if (open === undefined || open.call === renewer.call) return undefined;
    const headers = this.#options.credentialHeaders(open.call.procedure);
    const call = renewedCall(open.call, renewer.call, headers);
    const since = this.#options.revocations.version;
    return andThen(this.#options.evaluate(call), (decision) => {
      if (!this.#calls.has(open)) return undefined;
      if (!decision.ok) return decision;
      // The credential was the caller's own when the renewal was let in.
      if (streamKey(streamId, { ...decision, call }) !== key) return undefined;
      if (decision.expiresAt > open.expiresAt) {
        open.call = call;
        open.expiresAt = decision.expiresAt;
        this.#await(open, open.expiresAt);
        if (since < this.#options.revocations.version) this.#gather();
      }
      return { ok: true, expiresAt: open.expiresAt };
    });
  }

  #forget(open: OpenCall): void {
    clearTimeout(open.timer);
    this.#calls.delete(open);
    if (open.key !== undefined && this.#named.get(open.key) === open) this.#named.delete(open.key);
    if (this.#calls.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      for (const open of this.#calls) this.#ask(open);
    }, gatherMs);
  }

  #await(open: OpenCall, expiresAt: number): void {
    clearTimeout(open.timer);
    if (expiresAt === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(expiresAt - this.#options.now(), 0) + 1, longestTimer);
    open.timer = setTimeout(() => this.#ask(open), delay);
    unref(open.timer);
  }

  #ask(open: OpenCall): void {
    const { call } = open;
    const decision = this.#options.evaluate(call);
    if (isPromise(decision)) void decision.then((settled) => this.#settle(open, call, settled));
    else this.#settle(open, call, decision);
  }

  #settle(open: OpenCall, call: Call, decision: Decision<P>): void {
    if (!this.#calls.has(open)) return;
    // It was renewed in the meantime: what was asked about is not what it goes on with.
    if (open.call !== call) {
      this.#ask(open);
      return;
    }
    if (decision.ok) {
      open.expiresAt = decision.expiresAt;
      this.#await(open, decision.expiresAt);
      return;
    }
    this.#forget(open);
    try {
      open.end(Object.freeze({ ...decision.denial, cutOff: true }));
    } catch {
      // One stream that cannot be ended must not keep the others open.
    }
  }
}

/** A stream's timer does not keep a process alive. Only Node's timers can be told. */
function unref(timer: NodeTimer): void {
  (timer as { unref?: () => void }).unref?.();
}
