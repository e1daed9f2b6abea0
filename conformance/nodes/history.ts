import type { Header } from "../clients/client.ts";

// Everything is on the test's own clock, in milliseconds: when something was asked, and when the answer was there.

/** Something that proves who calls. */
export interface Credential {
  readonly name: string;
  readonly header: Header;
  readonly kind: "key" | "session";
  /** The public id of a key. */
  readonly keyId: string | undefined;
  readonly userId: string;
  /** Never revoked, and used for what a test expects to be exact. */
  readonly lasting: boolean;
  /** When its making was acknowledged. */
  readonly madeAt: number;
  /** When its end was asked for the first time, whatever came of it. */
  endAsked: number | undefined;
  /** When its end was acknowledged, and by which node. */
  end: { readonly at: number; readonly node: number } | undefined;
}

/** `ok`, or a reason; `absent`: nobody listened; `unanswered`: nobody knows what became of the call. */
export type Verdict = string;

/** One call with a credential. */
export interface Decision {
  readonly credential: Credential;
  readonly node: number;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly verdict: Verdict;
}

/** One open stream. */
export interface OpenStream {
  readonly credential: Credential;
  readonly node: number;
  /** When its first message was there. */
  readonly openedAt: number;
  readonly endedAt: number;
  readonly verdict: Verdict;
}

/** What was done to a node, or to all of them. */
export interface Disturbance {
  readonly what: string;
  /** Undefined: every node. */
  readonly node: number | undefined;
  readonly from: number;
  /** When it was over: the network was back, or the node serving again. */
  until: number;
  /** Calls may go unanswered for as long as it lasts: the process is gone or stands still. */
  readonly silent: boolean;
  /** Nothing may be refused that is good. */
  readonly harmless: boolean;
  /** How long a revocation may take meanwhile to get to a node. */
  readonly boundMs: number;
}

/** Everything that happened. */
export class History {
  readonly credentials: Credential[] = [];
  readonly decisions: Decision[] = [];
  readonly streams: OpenStream[] = [];
  readonly disturbances: Disturbance[] = [];
  /** Operations that were neither acknowledged nor refused. */
  unknown = 0;
  acknowledged = 0;

  add(credential: Omit<Credential, "endAsked" | "end" | "madeAt">): Credential {
    const made: Credential = {
      ...credential,
      madeAt: performance.now(),
      endAsked: undefined,
      end: undefined,
    };
    this.credentials.push(made);
    return made;
  }
}
