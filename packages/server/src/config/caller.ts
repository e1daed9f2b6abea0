/** What the environment holds for a command to present to a server. */
export interface Caller {
  readonly apiKey: string | undefined;
  readonly token: string | undefined;
}

export function callerOf(env: NodeJS.ProcessEnv = process.env): Caller {
  return { apiKey: env["COUNTERSIGN_API_KEY"], token: env["COUNTERSIGN_TOKEN"] };
}
