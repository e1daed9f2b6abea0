import { parseArgs } from "node:util";
import { type ColdAlgorithm, type ColdResult, coldChecks } from "./cold.ts";
import { type Figure, figure, figureOf, timesAsLong } from "./measure.ts";
import { remoteDecisions } from "./remote.ts";
import { type RevocationsResult, revocationCosts } from "./revocations.ts";
import { type RolesResult, roleChecks } from "./roles.ts";
import { orders, type ServingComparison, serving } from "./serving.ts";
import { type WarmResult, warmDecisions } from "./warm.ts";

const usage = `npm run bench [-- OPTIONS]

  --only warm,remote,roles,revocations,cold,serving,logging   some of it (default: all but logging; takes about two minutes)
  --rounds N                 rounds of servers under load (default 3)
  --seconds N                of load on each server in a round (default 3)
  --json                     the figures as JSON

Ratios within one run mean something; single figures depend on the machine and on what else it does.
`;

const algorithms: readonly ColdAlgorithm[] = ["HS256", "RS256", "ES256", "EdDSA"];

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "warm,remote,roles,revocations,cold,serving" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(usage);
} else {
  const parts = new Set(values.only.split(","));
  const progress = (text: string): boolean => process.stderr.write(`${text} …\n`);
  if (parts.has("warm")) progress("warm decisions");
  const warm = parts.has("warm") ? await warmDecisions() : undefined;
  if (parts.has("remote")) progress("warm decisions in another process");
  const remote = parts.has("remote") ? await remoteDecisions() : undefined;
  if (parts.has("roles")) progress("roles");
  const roles = parts.has("roles") ? await roleChecks() : undefined;
  if (parts.has("revocations")) progress("a million revocations");
  const revocations = parts.has("revocations") ? await revocationCosts() : undefined;
  const cold: ColdResult[] = [];
  for (const algorithm of parts.has("cold") ? algorithms : []) {
    progress(`first checks, ${algorithm}`);
    cold.push(await coldChecks(algorithm));
  }
  if (parts.has("serving")) progress("servers under load");
  const load = parts.has("serving")
    ? await serving(Number(values.rounds), Number(values.seconds))
    : undefined;
  if (parts.has("logging")) progress("servers that write down their calls");
  const logging = parts.has("logging")
    ? await serving(Number(values.rounds), Number(values.seconds), orders.logging)
    : undefined;
  const environment = { node: process.version, arch: process.arch };
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ environment, warm, remote, roles, revocations, cold, serving: load, logging }, undefined, 2)}\n`,
    );
  else
    process.stdout.write(
      [
        `Node ${process.version}`,
        ...warmText(warm),
        ...remoteText(remote),
        ...rolesText(roles),
        ...revocationsText(revocations),
        ...cold.flatMap(coldText),
        ...servingText(load),
        ...loggingText(logging),
        "",
      ].join("\n"),
    );
}

function warmText(warm: WarmResult | undefined): readonly string[] {
  if (warm === undefined) return [];
  const { figures, storeReads, bytesPerToken } = warm;
  const own = figure(figures, "JWT decision");
  return [
    "",
    "Warm decisions in a loop, 10,000 callers (Zipf), credentials as fresh strings: µs each",
    ...figures.map(({ name, microseconds }) =>
      row(name, microseconds, `${ratio(microseconds / own)} of a JWT decision`),
    ),
    `  store reads: ${storeReads}; memory for each remembered token, its text included: ${Math.round(bytesPerToken)} bytes`,
  ];
}

function remoteText(figures: readonly Figure[] | undefined): readonly string[] {
  if (figures === undefined) return [];
  return [
    "",
    "Warm decisions with the store in this process, and with countersign/remote: µs each",
    ...figures.map(({ name, microseconds }) => {
      const embedded = figure(figures, name.replace("remote", "embedded"));
      return row(name, microseconds, `${ratio(microseconds / embedded)} of embedded`);
    }),
  ];
}

function rolesText(roles: RolesResult | undefined): readonly string[] {
  if (roles === undefined) return [];
  const { reload, oneRole, allRoles } = roles.afterChange;
  return [
    "",
    "Warm checks of one permission, 1,000 roles of 100 permissions: µs each",
    ...roles.figures.map(({ name, microseconds }) => row(name, microseconds, "").trimEnd()),
    `  after a change: reading the roles ${reload.toFixed(1)} ms; first check of one role ${oneRole.toFixed(2)} ms, of 1,000 roles ${allRoles.toFixed(1)} ms`,
  ];
}

function revocationsText(result: RevocationsResult | undefined): readonly string[] {
  if (result === undefined) return [];
  const { figures, megabytes, start, pruneMs } = result;
  const [few, million] = ["no entries", "a million entries"].map((name) => ({
    rest: figure(figures, `${name}, at rest`),
    stream: figure(figures, `${name}, a logout each 100`),
  }));
  if (few === undefined || million === undefined) throw new Error("a figure is missing");
  return [
    "",
    "Warm JWT decisions, and how much is revoked: µs each",
    ...figures.map(({ name, microseconds }) =>
      row(name, microseconds, `${ratio(microseconds / few.rest)} of none at rest`),
    ),
    `  a million at rest against none: ${ratio(million.rest / few.rest)}; under logouts, against none under logouts: ${ratio(million.stream / few.stream)}`,
    `  memory of a million live entries: ${megabytes.toFixed(1)} MB; pruning 1,000 of them: ${pruneMs.toFixed(1)} ms`,
    `  reading them from SQLite at a start: ${start.seconds.toFixed(1)} s, in which the event loop stood still for at most ${start.longestMs.toFixed(0)} ms`,
  ];
}

function coldText({ algorithm, figures }: ColdResult): readonly string[] {
  const complete = figureOf(figures, "node:crypto, complete");
  const signature = figureOf(figures, "node:crypto, signature");
  const beside = (one: Figure) =>
    `${ratio(timesAsLong(one, signature))} of the signature alone, ${ratio(timesAsLong(one, complete))} of the complete check`;
  return [
    "",
    `First checks of distinct ${algorithm} tokens: µs each`,
    ...figures.map((one) => row(one.name, one.microseconds, beside(one))),
  ];
}

function servingText(comparison: ServingComparison | undefined): readonly string[] {
  if (comparison === undefined) return [];
  const { results, noise } = comparison;
  const bare = results.find(({ guarding }) => guarding === "bare")?.callsPerSecond ?? Number.NaN;
  return [
    "",
    `grpc-js, unary echo, 10,000 callers, medians of the rounds (bare against bare differs by ${percent(noise)})`,
    ...results.map(
      (result) =>
        `  ${result.guarding.padEnd(8)} ${Math.round(result.callsPerSecond).toString().padStart(7)} calls/s (${percent(result.callsPerSecond / bare)} of bare), ` +
        `${result.mainThreadMicroseconds.toFixed(1)} µs of the main thread each` +
        (result.guarding === "bare"
          ? ""
          : `; decision p50 ${result.decisionP50.toFixed(2)} µs, trimmed mean ${result.decisionTrimmedMean.toFixed(2)} µs, ${percent(result.decisionShare)} of the call`),
    ),
  ];
}

function loggingText(comparison: ServingComparison | undefined): readonly string[] {
  if (comparison === undefined) return [];
  const { results, noise } = comparison;
  const [first] = results;
  return [
    "",
    `grpc-js, tokens, with and without a request log in SQLite, medians of the rounds (without against without differs by ${percent(noise)})`,
    ...results.map(
      ({ guarding, callsPerSecond, mainThreadMicroseconds, eventLoopP99, dropped }) =>
        `  ${guarding.padEnd(8)} ${Math.round(callsPerSecond).toString().padStart(7)} calls/s (${percent(callsPerSecond / (first?.callsPerSecond ?? Number.NaN))}), ` +
        `${mainThreadMicroseconds.toFixed(1)} µs of the main thread each; event loop p99 ${eventLoopP99.toFixed(2)} ms; ${dropped} rows dropped`,
    ),
  ];
}

function row(name: string, microseconds: number, note: string): string {
  return `  ${name.padEnd(28)} ${microseconds.toFixed(2).padStart(8)}   ${note}`;
}

function ratio(value: number): string {
  return `${value.toFixed(2)}×`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
