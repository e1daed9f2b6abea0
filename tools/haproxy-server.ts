import { haproxyProgram } from "./ensure-tools.ts";
import type { ProxyKind } from "./local-proxy.ts";

export const haproxy: ProxyKind = {
  name: "HAProxy",
  program: haproxyProgram,
  // A second section adds to the first: few open files, whatever this machine allows.
  file: (configuration) => `${configuration}\nglobal\n    maxconn 200\n`,
  // Debug mode without its output: in the foreground, whatever the file says.
  command: (program, file) => [program, "-db", "-f", file],
};
