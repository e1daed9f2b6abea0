import type { Authenticate, Authenticator, AuthRuntime } from "./authenticator.ts";
import type { CacheReadings, NamedCache } from "./cache-readings.ts";
import { type Denied, deny } from "./decision.ts";

/** An authenticator that is at work. */
export interface Started<P> {
  readonly definition: Authenticator<P>;
  readonly authenticate: Authenticate<P>;
}

/** The authenticators of one header. */
export interface Slot<P> {
  readonly header: string;
  readonly authenticators: readonly Started<P>[];
}

/** Authenticators that are asked together, and what they answer where there is nothing to ask about. */
export interface Chain<P> {
  readonly slots: readonly Slot<P>[];
  /** Those that read no header. */
  readonly ofConnections: readonly Started<P>[];
  readonly missing: Denied;
  readonly ambiguous: Denied;
  /** In the order in which they were given. */
  readonly definitions: readonly Authenticator<P>[];
}

/** Makes chains of one `Auth`. An authenticator that is in several of them is started once, and has one cache: one of `caches`. */
export function chainMaker<P>(
  runtime: Omit<AuthRuntime, "sole" | "onCache">,
  caches: NamedCache[],
): (authenticators: readonly Authenticator<P>[]) => Chain<P> {
  const alone = new Map<Authenticator<P>, Started<P>>();
  const among = new Map<Authenticator<P>, Started<P>>();

  function start(definition: Authenticator<P>, sole: boolean): Started<P> {
    const all = sole ? alone : among;
    const onCache = (readings: CacheReadings): void => {
      caches.push({ authenticator: definition.name, readings });
    };
    const started = all.get(definition) ?? {
      definition,
      authenticate: definition.start({ ...runtime, sole, onCache }),
    };
    all.set(definition, started);
    return started;
  }

  return (authenticators) => {
    if (authenticators.length === 0) throw new TypeError("createAuth() needs at least one authenticator");
    const readers = (header: string | undefined): readonly Started<P>[] => {
      const found = authenticators.filter((definition) => definition.header === header);
      return found.map((definition) => start(definition, found.length === 1));
    };
    const headers = authenticators.map(({ header }) => header).filter((header) => header !== undefined);
    for (const header of headers) requireHeaderName(header);
    const missing = missingCredential(authenticators);
    return {
      slots: [...new Set(headers)].map((header) => ({ header, authenticators: readers(header) })),
      ofConnections: readers(undefined),
      missing,
      ambiguous: deny("CREDENTIALS_AMBIGUOUS", { challenges: missing.denial.challenges }),
      definitions: [...authenticators],
    };
  };
}

function requireHeaderName(header: string): void {
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(header))
    throw new TypeError(`"${header}" is no header name in lower case`);
  if (header.endsWith("-bin"))
    throw new TypeError(`"${header}" is a binary header, which no credential can be`);
}

/** Values for `WWW-Authenticate`, each once. */
export function challengesOf<P>(authenticators: readonly Authenticator<P>[]): readonly string[] {
  const challenges = authenticators.map(({ challenge }) => challenge);
  return [...new Set(challenges.filter((challenge) => challenge !== undefined))];
}

function missingCredential<P>(authenticators: readonly Authenticator<P>[]): Denied {
  const challenges = challengesOf(authenticators);
  const messages = new Set(authenticators.map(({ missingMessage }) => missingMessage));
  const [message] = messages;
  return deny("CREDENTIALS_MISSING", { challenges, ...(messages.size === 1 && message && { message }) });
}
