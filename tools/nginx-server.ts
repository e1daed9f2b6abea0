import { chownSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nginxProgram } from "./ensure-tools.ts";
import { type Launch, LocalServer } from "./local-server.ts";

/** An nginx of a test's own: in a scratch folder, gone when the process ends. */
export interface NginxServer {
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** What stands inside `http {}`. */
  readonly http: string;
  /** A port that it listens at. */
  readonly port: number;
}

/** Starts one, as nobody in particular. It takes a tenth of a second. */
export async function startNginx(options: NginxOptions): Promise<NginxServer> {
  const program = nginxProgram();
  if (program === undefined) throw new Error("nginx is not installed: node tools/ensure-tools.js");
  const folder = mkdtempSync(join(tmpdir(), "countersign-nginx-"));
  return new LocalNginx(program, folder, options).begin();
}

/** What it writes while it buffers. */
const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

class LocalNginx extends LocalServer implements NginxServer {
  readonly #program: string;
  readonly #folder: string;
  readonly #options: NginxOptions;
  readonly #owner = unprivileged();

  constructor(program: string, folder: string, options: NginxOptions) {
    super({
      ...{ name: "nginx", folder, signal: "SIGKILL", complaints: "stderr" },
      ...{ startsWithinMs: 15_000, lingersMs: 0 },
    });
    this.#program = program;
    this.#folder = folder;
    this.#options = options;
  }

  protected override prepare(): void {
    const paths = scratch.map((name) => `${name}_temp_path ${this.#folder}/${name};`);
    const file = join(this.#folder, "nginx.conf");
    writeFileSync(
      file,
      [
        "daemon off;",
        // One process: the one that is ended.
        "master_process off;",
        `pid ${this.#folder}/nginx.pid;`,
        "error_log stderr warn;",
        "events {}",
        `http { access_log off; ${paths.join(" ")}`,
        this.#options.http,
        "}",
      ].join("\n"),
      { mode: 0o600 },
    );
    if (this.#owner === undefined) return;
    for (const path of [this.#folder, file]) chownSync(path, this.#owner.uid, this.#owner.gid);
  }

  protected override launch(): Launch {
    const file = join(this.#folder, "nginx.conf");
    return { command: [this.#program, "-e", "stderr", "-p", this.#folder, "-c", file], ...this.#owner };
  }

  protected override ask(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#options.port, "127.0.0.1", () => resolve(socket.destroy()));
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
