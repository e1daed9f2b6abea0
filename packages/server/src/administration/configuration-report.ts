import { randomBytes } from "node:crypto";
import { createRevocations } from "countersign";
import { createMemoryStore } from "countersign/store/memory";
import { createAuthentication } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { configProblems } from "../config/production-checks.ts";
import { servable } from "../descriptors.ts";
import { openIssuers } from "../issuers.ts";
import { configuredSigning, signingOf } from "../signing.ts";
import { readForwardedAuthorities } from "../tls/forwarded-authorities.ts";
import { loadTlsMaterial } from "../tls/tls-material.ts";
import { completePolicy } from "./complete-policy.ts";
import { loadDigests } from "./local.ts";

/** Everything that would stop a server with this configuration, as sentences with their remedies. */
export async function configurationProblems(asFound: Config): Promise<readonly string[]> {
  const config = withFirstSecrets(asFound);
  const { client_ca_file: forwarded } = config.proxies;
  const problems = [
    ...configProblems(config),
    ...serviceProblems(config),
    ...(await thrownBy(() => configuredSigning(config))),
    ...(config.secrets.pepper === undefined ? [] : await thrownBy(() => loadDigests(config))),
    ...(await thrownBy(() => openIssuers(config))),
    ...(await tlsProblems(config)),
    ...(forwarded === undefined ? [] : await thrownBy(() => readForwardedAuthorities(forwarded))),
  ];
  // The rules can only be put together from parts that are right.
  return [
    ...new Set(
      problems.length > 0
        ? problems
        : [
            ...(await thrownBy(() => authenticators(config))),
            ...(await thrownBy(() => completePolicy(config))),
          ],
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

async function tlsProblems({ grpc, http }: Config): Promise<readonly string[]> {
  const problems = Object.entries({ grpc, http }).map(([listener, { tls }]) =>
    tls === undefined ? [] : thrownBy(() => loadTlsMaterial(`${listener}.tls`, tls)),
  );
  return (await Promise.all(problems)).flat();
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

async function thrownBy(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
