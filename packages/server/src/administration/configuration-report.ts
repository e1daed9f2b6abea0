import { randomBytes } from "node:crypto";
import { createRevocations } from "countersign";
import { createMemoryStore } from "countersign/store/memory";
import { createAuthentication } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { configProblems } from "../config/production-checks.ts";
import { configuredCertificates } from "../decide/forwarded-certificates.ts";
import { servable } from "../descriptors.ts";
import { openIssuers } from "../issuers.ts";
import { configuredSigning, signingOf } from "../signing.ts";
import { loadTlsMaterial } from "../tls/tls-material.ts";
import { completePolicy } from "./complete-policy.ts";
import { loadDigests } from "./local.ts";

/** Everything that would stop a server with this configuration, as sentences with their remedies. */
export function configurationProblems(asFound: Config): readonly string[] {
  const config = withFirstSecrets(asFound);
  const problems = [
    ...configProblems(config),
    ...serviceProblems(config),
    ...thrownBy(() => configuredSigning(config)),
    ...(config.secrets.pepper === undefined ? [] : thrownBy(() => loadDigests(config))),
    ...thrownBy(() => openIssuers(config)),
    ...tlsProblems(config),
    ...thrownBy(() => configuredCertificates(config)),
  ];
  // The rules can only be put together from parts that are right.
  return [
    ...new Set(
      problems.length > 0
        ? problems
        : [...thrownBy(() => authenticators(config)), ...thrownBy(() => completePolicy(config))],
    ),
  ];
}

/** `countersign dev` makes a pepper and a master key where there are none. */
function withFirstSecrets(config: Config): Config {
  if (config.environment !== "development") return config;
  const { pepper = randomBytes(32), masterKey = randomBytes(32) } = config.secrets;
  return { ...config, secrets: { ...config.secrets, pepper, masterKey } };
}

function serviceProblems({ services }: Config): readonly string[] {
  const known = servable.map(({ typeName }) => typeName);
  return services
    .filter((name) => !known.includes(name))
    .map((name) => `services: "${name}" is not known; there are ${known.join(", ")}`);
}

function tlsProblems({ grpc, http }: Config): readonly string[] {
  return Object.entries({ grpc, http }).flatMap(([listener, { tls }]) =>
    tls === undefined ? [] : thrownBy(() => loadTlsMaterial(`${listener}.tls`, tls)),
  );
}

/** As a server makes them: headers that cannot be are noticed. */
function authenticators(config: Config): void {
  const store = createMemoryStore();
  createAuthentication({
    config,
    store,
    revocations: createRevocations(),
    signing: signingOf(config, store),
    policy: [],
    onDecision: () => {},
  });
}

function thrownBy(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
