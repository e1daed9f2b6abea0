import { commandConfig } from "../administration/command-config.ts";
import { configurationProblems } from "../administration/configuration-report.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { hygieneOf } from "../stored-keys.ts";
import { checkCertificates } from "./certificates.ts";
import { type Check, fail, ok } from "./check.ts";
import { checkDataFolder, examineDatabase } from "./database.ts";
import { checkIssuers } from "./issuers.ts";
import { checkKnownSecrets } from "./known-secrets.ts";
import { checkListeners } from "./listeners.ts";
import { checkClock, checkDiskSpace, checkNode } from "./machine.ts";
import { examinePostgres } from "./postgres.ts";
import { checkRedis } from "./redis.ts";
import { checkRequestLog } from "./request-log.ts";
import { checkSigningKeys } from "./signing-keys.ts";

/** Everything that is worth a look, in the order in which it is best mended. Nothing is changed. */
export async function examine(file: string | undefined): Promise<readonly Check[]> {
  const config = readConfig(file);
  if (config instanceof ConfigError) {
    return [checkNode(), fail("configuration", config.message), checkClock(undefined)];
  }
  const { databaseUrl } = config.secrets;
  const { checks, newestRecord, signingKeys, secrets } =
    databaseUrl === undefined
      ? examineDatabase(config)
      : {
          newestRecord: undefined,
          signingKeys: undefined,
          ...(await examinePostgres(databaseUrl, hygieneOf(config))),
        };
  return [
    checkNode(),
    ...(await checkConfiguration(config)),
    ...(needsFolder(config) ? [checkDataFolder(config)] : []),
    ...checks,
    ...checkRequestLog(config),
    ...checkKnownSecrets(config, secrets),
    ...(await checkRedis(config)),
    ...(await checkCertificates(config)),
    // PostgreSQL's are opened when a server starts, which refuses to where it cannot.
    ...(databaseUrl === undefined ? [await checkSigningKeys(config, signingKeys)] : []),
    ...(await checkListeners(config)),
    ...(await checkIssuers(config)),
    checkClock(newestRecord),
    ...(needsFolder(config) ? [checkDiskSpace(config.data)] : []),
  ];
}

/** On PostgreSQL, only `dev` keeps something there: its secrets. */
function needsFolder({ environment, secrets }: Config): boolean {
  return secrets.databaseUrl === undefined || environment === "development";
}

function readConfig(file: string | undefined): Config | ConfigError {
  try {
    return commandConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const aboutSecrets = /^auth\.(jwt|api_keys|development_key)/;

async function checkConfiguration(config: Config): Promise<readonly Check[]> {
  const problems = await configurationProblems(config);
  const from = config.source ?? "no file: defaults and environment";
  const [secrets, others] = [true, false].map((wanted) =>
    problems.filter((text) => aboutSecrets.test(text) === wanted),
  );
  return [
    ...found("configuration", others ?? [], `${config.environment}, from ${from}`),
    ...found("secrets", secrets ?? [], "all that are needed are there"),
  ];
}

function found(name: string, problems: readonly string[], good: string): readonly Check[] {
  return problems.length === 0 ? [ok(name, good)] : problems.map((problem) => fail(name, problem));
}
