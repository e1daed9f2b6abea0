import { chownSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Launch, LocalServer } from "./local-server.ts";

/** A proxy of a test's own: in a scratch folder, gone when the process ends. */
export interface ProxyServer {
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface ProxyOptions {
  /** As the sample has it, at the addresses of the test. What only a test needs is added. */
  readonly configuration: string;
  /** A port that it listens at. */
  readonly port: number;
  /** What it reads besides, by names in its folder, which is its `HOME`. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A kind of proxy: all that differs between them. */
export interface ProxyKind {
  readonly name: string;
  /** Where it is, if it is installed. */
  program(): string | undefined;
  /** Its whole configuration: `configuration` with what only a test needs. */
  file(configuration: string, folder: string): string;
  /** In the foreground, as one process: the one that is ended. */
  command(program: string, file: string, folder: string): Launch["command"];
  /** Beside a home of its own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts one, as nobody in particular. It takes a tenth of a second. */
export async function startProxy(kind: ProxyKind, options: ProxyOptions): Promise<ProxyServer> {
  const program = kind.program();
  if (program === undefined) throw new Error(`${kind.name} is not installed: node tools/ensure-tools.js`);
  const folder = mkdtempSync(join(tmpdir(), `countersign-${kind.name.toLowerCase()}-`));
  return new LocalProxy({ kind, program, folder, options }).begin();
}

interface Place {
  readonly kind: ProxyKind;
  readonly program: string;
  readonly folder: string;
  readonly options: ProxyOptions;
}

class LocalProxy extends LocalServer implements ProxyServer {
  readonly #place: Place;
  readonly #owner = unprivileged();

  constructor(place: Place) {
    super({
      ...{ name: place.kind.name, folder: place.folder, signal: "SIGKILL", complaints: "stderr" },
      ...{ startsWithinMs: 15_000, lingersMs: 0 },
    });
    this.#place = place;
  }

  get #file(): string {
    return join(this.#place.folder, "configuration");
  }

  protected override prepare(): void {
    const { kind, folder, options } = this.#place;
    const files = Object.entries(options.files ?? {}).map(
      ([name, text]) => [join(folder, name), text] as const,
    );
    const all = [[this.#file, kind.file(options.configuration, folder)] as const, ...files];
    for (const [path, text] of all) writeFileSync(path, text, { mode: 0o600 });
    if (this.#owner === undefined) return;
    for (const path of [folder, ...all.map(([path]) => path)])
      chownSync(path, this.#owner.uid, this.#owner.gid);
  }

  protected override launch(): Launch {
    const { kind, program, folder } = this.#place;
    const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    return {
      command: kind.command(program, this.#file, folder),
      env: { ...home, ...kind.env },
      ...this.#owner,
    };
  }

  protected override ask(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#place.options.port, "127.0.0.1", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  }
}

/** Undefined where this process has no privileges to give up. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync("/etc/passwd", "utf8").split("\n");
  const [, , uid, gid] = line.find((entry) => entry.startsWith("nobody:"))?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
