import type { Credential, Decision, Disturbance, History, OpenStream } from "./history.ts";

/** What DESIGN promises, in milliseconds. */
export const promised = {
  /** A revocation, everywhere. */
  healthy: 1000,
  /** While nobody pushes. */
  unpushed: 5000,
  answer: 2000,
  recovery: 5000,
} as const;

/** What a busy machine adds to a timer. */
const slackMs = 500;

/** Judges a history. Each entry says what was promised and what happened; none if all was kept. */
export function violations(history: History): readonly string[] {
  const { decisions, streams } = history;
  return [
    ...decisions.flatMap((decision) => wrongDecision(history, decision)),
    ...streams.flatMap((stream) => lateEnd(history, stream)),
    ...history.disturbances.flatMap((disturbance) => slowRecovery(history, disturbance)),
  ];
}

const endings: Readonly<Record<Credential["kind"], readonly string[]>> = {
  key: ["API_KEY_REVOKED", "USER_DISABLED"],
  session: ["TOKEN_REVOKED", "USER_DISABLED"],
};

function wrongDecision(history: History, decision: Decision): readonly string[] {
  const { credential, node, askedAt, answeredAt, verdict } = decision;
  const { end, endAsked } = credential;
  const found: string[] = [];
  const say = (what: string): void => {
    found.push(`${credential.name} at node ${node}, ${Math.round(askedAt)} ms: ${what} (${verdict})`);
  };
  const disturbed = around(history, node, askedAt, answeredAt, promised.recovery);
  if (verdict === "ok" && end !== undefined) {
    const bound = end.node === node ? 0 : boundOf(history, node, end.at, askedAt);
    const late = askedAt - end.at;
    if (late > bound)
      say(`admitted ${Math.round(late)} ms after its end was acknowledged; promised ${bound}`);
  }
  const isEnding = endings[credential.kind].includes(verdict);
  if (isEnding && (endAsked === undefined || answeredAt < endAsked)) say("refused before anybody ended it");
  const isAbsence = verdict === "absent" || verdict === "unanswered";
  const known = verdict === "ok" || verdict === "UNAVAILABLE" || isAbsence || isEnding;
  if (!known) say("refused as what it is not");
  if (!known || isEnding) return found;
  const mayFail = disturbed.some(({ harmless }) => !harmless);
  if (verdict !== "ok" && !mayFail) say("refused although nothing was the matter");
  if (isAbsence && !disturbed.some(({ silent }) => silent)) say("no answer from a node that ran");
  const silent = around(history, node, askedAt, answeredAt, 1000).some((each) => each.silent);
  const took = answeredAt - askedAt;
  if (took > promised.answer + slackMs && !silent) say(`answered after ${Math.round(took)} ms`);
  return found;
}

function lateEnd(
  history: History,
  { credential, node, openedAt, endedAt, verdict }: OpenStream,
): readonly string[] {
  const { end } = credential;
  if (end === undefined || openedAt > end.at) return [];
  const late = endedAt - end.at;
  const bound = boundOf(history, node, end.at, endedAt) + slackMs;
  if (late <= bound) return [];
  const text = `open for ${Math.round(late)} ms after its end was acknowledged; promised ${bound}`;
  return [`a stream of ${credential.name} at node ${node}: ${text} (${verdict})`];
}

/** After it was over, a node that was disturbed lets in again who is good. */
function slowRecovery({ decisions }: History, { what, node, until }: Disturbance): readonly string[] {
  const nodes = node === undefined ? [...new Set(decisions.map((decision) => decision.node))] : [node];
  return nodes.flatMap((index) => {
    const good = decisions.find(
      (decision) => decision.node === index && decision.verdict === "ok" && decision.answeredAt >= until,
    );
    if (good === undefined) return [`node ${index} let nobody in after ${what}`];
    const took = good.answeredAt - until;
    return took <= promised.recovery ? [] : [`node ${index} recovered ${Math.round(took)} ms after ${what}`];
  });
}

/** How long a revocation may take to get to a node, given what happened to it meanwhile. */
function boundOf(history: History, node: number, from: number, to: number): number {
  const meanwhile = around(history, node, from, to, promised.recovery);
  return Math.max(promised.healthy, ...meanwhile.map(({ boundMs }) => boundMs));
}

/** What was done to a node in a time, and shortly before. */
function around(
  { disturbances }: History,
  node: number,
  from: number,
  to: number,
  afterwardsMs: number,
): readonly Disturbance[] {
  return disturbances.filter(
    (each) =>
      (each.node === undefined || each.node === node) && each.from <= to && each.until + afterwardsMs >= from,
  );
}
