import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { postgresFolder } from "./ensure-tools.ts";
import { freePort, type Launch, LocalServer } from "./local-server.ts";

/** A PostgreSQL server of a test's own: on a free port, in a scratch folder, gone when the process ends. */
export interface PostgresServer {
  readonly port: number;
  /** The superuser's, over TCP with a password. */
  url(database?: string): string;
  /** The superuser's, over the socket, which trusts whoever may open it: quicker than a password. */
  local(database: string): {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** Makes a database, empty or as another one that nobody is connected to, and returns its name. */
  createDatabase(template?: string): Promise<string>;
  /** Runs one statement as the superuser. */
  query(sql: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends the server as `immediate` does: like a crash, whatever is under way. */
  kill(): Promise<void>;
  /** Starts it after `kill()`. */
  start(): Promise<void>;
  /** Ends it and starts it again, on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Write to the disk before a commit is acknowledged. Default: false, which is for tests that crash nothing. */
  readonly durable?: boolean;
  /** A certificate and its key in PEM: the server speaks TLS too. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Settings of the server, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const postgresPassword = "only-for-tests/+@:#";

/** Starts a server. It takes about two seconds. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = postgresFolder();
  if (programs === undefined) throw new Error("PostgreSQL is not installed: node tools/ensure-tools.js");
  const owner = databaseOwner();
  const folder = mkdtempSync(join(tmpdir(), "countersign-postgres-"));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  return new LocalPostgres({ programs, owner, folder, port: await freePort(), options }).begin();
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface Place {
  readonly programs: string;
  readonly owner: Owner | undefined;
  readonly folder: string;
  readonly port: number;
  readonly options: PostgresServerOptions;
}

class LocalPostgres extends LocalServer implements PostgresServer {
  readonly #place: Place;
  #databases = 0;

  constructor(place: Place) {
    const { folder } = place;
    super({
      ...{ name: "PostgreSQL", folder, signal: "SIGQUIT", complaints: "stderr" },
      ...{ startsWithinMs: 30_000, lingersMs: 500 },
    });
    this.#place = place;
  }

  get port(): number {
    return this.#place.port;
  }

  url(database = "postgres"): string {
    return `postgres://postgres:${encodeURIComponent(postgresPassword)}@127.0.0.1:${this.port}/${database}`;
  }

  local(database: string) {
    return { host: this.#place.folder, port: this.port, user: "postgres", database };
  }

  async createDatabase(template = "template0"): Promise<string> {
    this.#databases += 1;
    const name = `test${process.pid}_${this.#databases}`;
    await this.query(`create database ${name} template ${template}`);
    return name;
  }

  async query(sql: string, database = "postgres"): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client(this.local(database));
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  protected override prepare(): void {
    const { programs, owner, folder, options } = this.#place;
    const passwordFile = this.#write("password", postgresPassword);
    const args = ["--auth-local=trust", "--auth-host=scram-sha-256", `--pwfile=${passwordFile}`];
    const { status, stderr } = spawnSync(
      join(programs, "initdb"),
      ["-D", join(folder, "data"), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", ...args],
      { ...owner, cwd: folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
    if (options.tls === undefined) return;
    for (const [name, from] of [
      ["server.crt", options.tls.certificate],
      ["server.key", options.tls.key],
    ] as const) {
      const path = join(folder, "data", name);
      copyFileSync(from, path);
      chmodSync(path, 0o600);
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    }
  }

  protected override launch(): Launch {
    const { programs, owner, folder, port, options } = this.#place;
    const settings: Readonly<Record<string, string>> = {
      listen_addresses: "127.0.0.1",
      port: String(port),
      unix_socket_directories: folder,
      max_connections: "200",
      ...(!options.durable && { fsync: "off", full_page_writes: "off" }),
      ...(options.tls !== undefined && { ssl: "on" }),
      ...options.settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return { command: [join(programs, "postgres"), "-D", join(folder, "data"), ...args], ...owner };
  }

  protected override ask(): Promise<unknown> {
    return this.query("select 1");
  }

  #write(name: string, content: string): string {
    const { folder, owner } = this.#place;
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    return path;
  }
}

/** PostgreSQL refuses to run as root. Undefined where this is somebody else anyway. */
function databaseOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}
