import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisProgram } from "./ensure-tools.ts";
import { freePort, type Launch, LocalServer } from "./local-server.ts";

/** A Redis server of a test's own: on a free port, in a scratch folder, gone when the process ends. */
export interface RedisServer {
  readonly port: number;
  /** With the password. */
  readonly url: string;
  /** Runs one command. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  /** Ends the server like a crash. What it held is gone, unless it is durable. */
  kill(): Promise<void>;
  /** Starts it after `kill()`, on the same port. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Write every change to the disk. Default: false. */
  readonly durable?: boolean;
  /** Certificate, key and authority in PEM: the server speaks TLS, and nothing else. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authority: string };
}

export const redisPassword = "only-for-tests/+@:#";

/** Starts a server. It takes a tenth of a second. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = redisProgram();
  if (program === undefined) throw new Error("Redis is not installed: node tools/ensure-tools.js");
  const folder = mkdtempSync(join(tmpdir(), "countersign-redis-"));
  return new LocalRedis({ program, folder, port: await freePort(), options }).begin();
}

interface Place {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  readonly options: RedisServerOptions;
}

class LocalRedis extends LocalServer implements RedisServer {
  readonly #place: Place;

  constructor(place: Place) {
    const { folder } = place;
    super({
      ...{ name: "Redis", folder, signal: "SIGKILL", complaints: "stdout" },
      ...{ startsWithinMs: 15_000, lingersMs: 0 },
    });
    this.#place = place;
  }

  get port(): number {
    return this.#place.port;
  }

  get url(): string {
    const scheme = this.#place.options.tls === undefined ? "redis" : "rediss";
    return `${scheme}://:${encodeURIComponent(redisPassword)}@127.0.0.1:${this.port}`;
  }

  async command(name: string, ...args: readonly string[]): Promise<unknown> {
    const { port, options } = this.#place;
    const client = new Redis({
      port,
      host: "127.0.0.1",
      password: redisPassword,
      lazyConnect: true,
      retryStrategy: () => null,
      ...(options.tls !== undefined && { tls: { rejectUnauthorized: false } }),
    });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  protected override launch(): Launch {
    const { program, folder, port, options } = this.#place;
    const settings = {
      bind: "127.0.0.1",
      port: options.tls === undefined ? port : 0,
      dir: folder,
      save: '""',
      appendonly: options.durable ? "yes" : "no",
      appendfsync: "always",
      requirepass: `"${redisPassword}"`,
      ...(options.tls !== undefined && {
        "tls-port": port,
        "tls-cert-file": options.tls.certificate,
        "tls-key-file": options.tls.key,
        "tls-ca-cert-file": options.tls.authority,
        "tls-auth-clients": "no",
      }),
    };
    // In a file: arguments can be seen by every user of the machine.
    const file = join(folder, "redis.conf");
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    writeFileSync(file, lines.join(""), { mode: 0o600 });
    return { command: [program, file] };
  }

  protected override ask(): Promise<unknown> {
    return this.command("PING");
  }
}
