import { z } from "zod";
import type { Config } from "../config/config.ts";
import { type ConfigFile, configSchema, type SecretSource } from "../config/schema.ts";
import { written } from "../config/written.ts";
import { databasePath } from "../database.ts";

/** A configuration with a word in the place of each secret: one that is forgotten does not compile. */
type Told<T> = T extends SecretSource
  ? string
  : T extends readonly (infer E)[]
    ? readonly Told<E>[]
    : T extends object
      ? { readonly [K in keyof T as NonNullable<T[K]> extends SecretSource ? never : K]: Told<T[K]> } & {
          readonly [K in keyof T as NonNullable<T[K]> extends SecretSource ? K : never]-?: string | undefined;
        }
      : T;

/**
 * The configuration in force, in the shape and the order of its file. Of secrets it says whether they are there, and
 * nothing else; what is not set is left out.
 */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  return {
    source: config.source ?? "no file: defaults and environment",
    ...(write(configSchema, toldOf(config)) as Readonly<Record<string, unknown>>),
  };
}

function toldOf(config: Config): Told<ConfigFile> {
  const { auth, secrets, admin, log, metrics, environment } = config;
  const development = environment === "development";
  return {
    ...config,
    database: { url: set(secrets.databaseUrl) ?? `not set: SQLite, ${databasePath(config)}` },
    master_key: presence(secrets.masterKey, development),
    previous_master_keys: secrets.previousMasterKeys.map(() => "set"),
    redis: { ...config.redis, url: set(secrets.redisUrl) ?? "not set" },
    auth: {
      ...auth,
      jwt: { ...auth.jwt, secret: set(secrets.jwtSecret), private_key: set(secrets.jwtPrivateKey) },
      api_keys: {
        ...auth.api_keys,
        pepper: presence(secrets.pepper, development),
        previous_peppers: secrets.previousPeppers.map(({ id }) => ({ id, pepper: "set" })),
        static: secrets.staticKeys.map(({ name, permissions, isStaff, isSuperuser }) => ({
          ...{ name, key: "set", permissions, is_staff: isStaff, is_superuser: isSuperuser },
        })),
      },
      issuers: auth.issuers.map((issuer) => ({
        ...issuer,
        client_secret: set(secrets.issuers[issuer.name]?.clientSecret),
        authorization: set(secrets.issuers[issuer.name]?.authorization),
      })),
      development_key: set(secrets.developmentKey),
    },
    admin: { ...admin, enabled: admin.enabled ?? config.services.includes("auth.v1.AuthService") },
    metrics: { ...metrics, token: set(secrets.metricsToken) },
    log: { level: log.level ?? (development ? "warn" : "info") },
  };
}

function set(secret: unknown): string | undefined {
  return secret === undefined ? undefined : "set";
}

/** All that is told of a secret that is needed. In development, what is missing is made at the first start. */
function presence(secret: unknown, madeAtStart: boolean): string {
  return set(secret) ?? (madeAtStart ? "made at the first start of countersign dev" : "missing");
}

/** A value as its schema reads it. */
function write(schema: z.core.$ZodType, value: unknown): unknown {
  if (value === undefined) return undefined;
  const form = written.get(schema);
  if (form !== undefined) return form.write(value as never);
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return write(schema.unwrap(), value);
  if (schema instanceof z.ZodArray)
    return (value as readonly unknown[]).map((element) => write(schema.element, element));
  if (schema instanceof z.ZodObject) return writeMembers(Object.entries(schema.shape), value);
  if (schema instanceof z.ZodRecord)
    return writeMembers(
      Object.keys(value as object).map((name) => [name, schema.valueType]),
      value,
    );
  return value;
}

function writeMembers(
  members: readonly (readonly [name: string, schema: z.core.$ZodType])[],
  value: unknown,
): Readonly<Record<string, unknown>> {
  const values = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    members.flatMap(([name, schema]) =>
      values[name] === undefined ? [] : [[name, write(schema, values[name])]],
    ),
  );
}
