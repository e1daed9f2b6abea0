/** A PostgreSQL URL, read. */
export interface PostgresUrl {
  /** `postgres://HOST:PORT/DATABASE`: for errors, without user and password. */
  readonly name: string;
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: string;
  /** As it was written. Undefined: it says nothing of TLS. */
  readonly sslMode: string | undefined;
}

/** What a URL may say besides. Others are refused: a misspelt `sslmode` would be a connection in plain text. */
const parameters: ReadonlySet<string> = new Set([
  ...["sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "channel_binding"],
  ...["host", "port", "user", "password", "application_name", "options"],
]);

/** The certificate is verified in all of them but `no-verify`; none falls back to plain text. */
const sslModes: ReadonlySet<string> = new Set([
  ...["disable", "require", "verify-ca", "verify-full", "no-verify"],
]);

/** Reads a URL. Throws `TypeError` for one that cannot be used, without repeating it. */
export function readPostgresUrl(text: string): PostgresUrl {
  const url = URL.parse(text);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2) {
    throw new TypeError(
      "a PostgreSQL URL is like postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full",
    );
  }
  const query = url.searchParams;
  for (const parameter of query.keys()) {
    if (parameters.has(parameter)) continue;
    const known = [...parameters].join(", ");
    throw new TypeError(`"${parameter}" is no parameter of a PostgreSQL URL; there are ${known}`);
  }
  const sslMode = query.get("sslmode") ?? undefined;
  if (sslMode !== undefined && !sslModes.has(sslMode)) {
    const known = [...sslModes].join(", ");
    throw new TypeError(`sslmode is one of ${known}: nothing falls back to plain text`);
  }
  const host = query.get("host") ?? decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, "$1");
  if (host === "") throw new TypeError("a PostgreSQL URL names a host, or with host=FOLDER that of a socket");
  const port = query.get("port") ?? url.port;
  return { name: postgresName(host, port, decodeURIComponent(url.pathname.slice(1))), host, port, sslMode };
}

/** How a database is called in errors. */
export function postgresName(host: string, port: string, database: string): string {
  const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `postgres://${shown}${port === "" || port === "5432" ? "" : `:${port}`}/${database}`;
}
