import { nginxProgram } from "./ensure-tools.ts";
import type { ProxyKind } from "./local-proxy.ts";

/** What it writes while it buffers. */
const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** Its configuration is what stands inside `http {}`. */
export const nginx: ProxyKind = {
  name: "nginx",
  program: nginxProgram,
  file: (configuration, folder) =>
    [
      "daemon off;",
      "master_process off;",
      `pid ${folder}/nginx.pid;`,
      "error_log stderr warn;",
      "events {}",
      `http { access_log off; ${scratch.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}`,
      configuration,
      "}",
    ].join("\n"),
  command: (program, file, folder) => [program, "-e", "stderr", "-p", folder, "-c", file],
};
