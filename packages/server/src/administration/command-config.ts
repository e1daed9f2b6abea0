import type { Store } from "countersign/store";
import { type Config, loadConfig } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { databasePath, mayHaveStore, openStore } from "../database.ts";
import { note } from "../terminal/output.ts";
import { localOperator } from "./local-operator.ts";

/**
 * The configuration that a command acts on: the file that is named, or that there is; else what `countersign dev`
 * uses. What has no secrets of its own can only have been served by `dev`, so that its secrets are the right ones.
 */
export function commandConfig(file: string | undefined, { createSecrets = false } = {}): Config {
  const config = loadConfig({ file, createSecrets });
  const { pepper, jwtSecret, jwtPrivateKey, masterKey } = config.secrets;
  const complete = pepper !== undefined && (jwtSecret ?? jwtPrivateKey ?? masterKey) !== undefined;
  if (config.environment === "development" || complete) return config;
  const create = createSecrets && config.source === undefined;
  return loadConfig({ file, environment: "development", createSecrets: create });
}

/** The configuration whose policy a command looks at. A policy has no secrets, and none are needed where it is checked. */
export function policyConfig(file: string | undefined): Config {
  const config = loadConfig({ file, withoutSecrets: true });
  if (config.source !== undefined) return config;
  return loadConfig({ environment: "development", withoutSecrets: true });
}

export interface LocalRequest {
  /** The configuration file that was named. */
  readonly file: string | undefined;
  /** Make the database if it is not there. Default: that is an error, because it was looked for in the wrong place. */
  readonly createStore?: boolean | undefined;
  /** Make the secrets of a development store if there are none. */
  readonly createSecrets?: boolean | undefined;
}

/** The store of the configuration, also while a server runs on it. */
export async function openLocalStore(
  request: LocalRequest,
): Promise<{ readonly config: Config; readonly store: Store }> {
  const { file, createStore = false, createSecrets = false } = request;
  const found = commandConfig(file);
  const path = databasePath(found);
  const fresh = !mayHaveStore(found);
  if (fresh && !createStore) throw new ConfigError(noStore(path));
  // Only now: in the wrong folder nothing is made.
  const config = createSecrets ? commandConfig(file, { createSecrets }) : found;
  const store = await openStore(config, { create: createStore, origin: localOperator });
  if (fresh) note(`countersign: made a new store, ${path}`);
  return { config, store };
}

/** What to say where a database should be and is not. */
export function noStore(path: string): string {
  return `no store at ${path}: start \`countersign dev\` first, set COUNTERSIGN_DATA to its folder, or name its configuration with --config`;
}
