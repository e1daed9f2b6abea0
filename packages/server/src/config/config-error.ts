/** The program cannot start, or a command cannot run, as things are. Its message is one line: what, where, and the remedy. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
