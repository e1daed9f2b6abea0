import { caddyProgram } from "./ensure-tools.ts";
import type { ProxyKind } from "./local-proxy.ts";

// Nobody is asked for a certificate, nothing listens but the sites, and HTTP/2 comes without TLS.
const ownOptions = "{\n\tadmin off\n\tauto_https off\n\tservers {\n\t\tprotocols h1 h2 h2c\n\t}\n}\n";

/** `env`: what the Caddyfile reads as `{env.NAME}`. */
export function caddy(env: Readonly<Record<string, string>>): ProxyKind {
  return {
    name: "Caddy",
    program: caddyProgram,
    file: (configuration) => `${ownOptions}${configuration}`,
    command: (program, file) => [program, "run", "--config", file, "--adapter", "caddyfile"],
    env,
  };
}
