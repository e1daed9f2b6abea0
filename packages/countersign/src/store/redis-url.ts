/** A URL of a Redis or Valkey server, read. */
export interface RedisUrl {
  /** `redis://HOST:PORT/DATABASE`: for errors, without user and password. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
  /** PEM: whose certificate the server has. Undefined: that of a public authority. */
  readonly authorityFile: string | undefined;
}

/** Reads a URL. Throws `TypeError` for one that cannot be used, without repeating it. */
export function readRedisUrl(text: string): RedisUrl {
  const url = URL.parse(text);
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "");
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || database === null)
    throw new TypeError(
      "a Redis URL is like rediss://USER:PASSWORD@HOST:PORT/DATABASE, or redis:// without TLS",
    );
  const tls = url.protocol === "rediss:";
  for (const parameter of url.searchParams.keys()) {
    if (parameter !== "sslrootcert")
      throw new TypeError(`"${parameter}" is no parameter of a Redis URL; there is sslrootcert`);
    if (!tls) throw new TypeError("sslrootcert goes with rediss://");
  }
  const host = decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, "$1");
  const port = url.port === "" ? 6379 : Number(url.port);
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    name: `${url.protocol}//${shown}:${port}/${database[1]}`,
    host,
    port,
    database: Number(database[1]),
    tls,
    authorityFile: url.searchParams.get("sslrootcert") ?? undefined,
  };
}
