/** An environment variable that this program reads. */
export interface Variable {
  readonly name: string;
  /** The member of the configuration file that it stands for, and wins over. */
  readonly path?: readonly string[];
  /** The member names where a secret is, and the variable holds it. */
  readonly secret?: boolean;
  /** What it is, where it stands for no member. */
  readonly text: string;
}

/** All of them: one that begins with `COUNTERSIGN_` and is not here is refused, since it may be a misspelt one. */
export const variables: readonly Variable[] = Object.freeze([
  { name: "COUNTERSIGN_CONFIG", text: "the configuration file" },
  { name: "COUNTERSIGN_DATA", path: ["data"], text: "" },
  { name: "COUNTERSIGN_DATABASE_URL", path: ["database", "url"], secret: true, text: "" },
  { name: "COUNTERSIGN_REDIS_URL", path: ["redis", "url"], secret: true, text: "" },
  { name: "COUNTERSIGN_GRPC_LISTEN", path: ["grpc", "listen"], text: "" },
  { name: "COUNTERSIGN_HTTP_LISTEN", path: ["http", "listen"], text: "" },
  { name: "COUNTERSIGN_METRICS_LISTEN", path: ["metrics", "listen"], text: "" },
  { name: "COUNTERSIGN_METRICS_TOKEN", path: ["metrics", "token"], secret: true, text: "" },
  { name: "COUNTERSIGN_LOG_LEVEL", path: ["log", "level"], text: "" },
  { name: "COUNTERSIGN_JWT_SECRET", path: ["auth", "jwt", "secret"], secret: true, text: "" },
  { name: "COUNTERSIGN_API_KEY_PEPPER", path: ["auth", "api_keys", "pepper"], secret: true, text: "" },
  { name: "COUNTERSIGN_MASTER_KEY", path: ["master_key"], secret: true, text: "" },
  { name: "COUNTERSIGN_DEVELOPMENT_KEY", path: ["auth", "development_key"], secret: true, text: "" },
  { name: "COUNTERSIGN_API_KEY", text: "an API key that commands with `--server` present" },
  { name: "COUNTERSIGN_TOKEN", text: "a token that commands with `--server` present" },
]);
